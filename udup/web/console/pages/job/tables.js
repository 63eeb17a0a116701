/** The tables of a job: where each stands, page by page from the node. */
import { html, useEffect, useRef, useState } from '../../core/html.js';
import { get } from '../../core/api.js';
import { bytes, clock, exact, num, percent } from '../../core/formats.js';
import { Icon } from '../../core/icons.js';
import { Empty } from '../../core/page.js';
import { route, setQuery } from '../../core/route.js';
import { canWrite } from '../../core/session.js';
import { State } from '../../core/states.js';
import { t } from '../../core/words.js';
import { Grid } from '../../parts/grid.js';
import { PAGE_SIZE } from '../../parts/pages.js';
import { Menu } from '../../parts/menu.js';
import { Since } from '../../parts/time.js';
import { jobPath } from './requests.js';
import { tableActs } from './table_acts.js';

const GROUPS = ['trouble', 'moving', 'waiting', 'live'];

/** Milliseconds after which what is in sight is asked for again: soon while tables move. */
const SOON_MS = 3000, SELDOM_MS = 10_000;

/** Milliseconds after the last letter of a search. */
const TYPED_MS = 200;

/** Pixels of a row, and of one where columns stand below each other. */
const ROW = 36, CARD = 62;

const MOVES = new Set(['copying', 'catching_up', 'reloading', 'cutting_over']);

/** A page that was asked for before the list is there: its path, and the answer to come. */
let expected = null;

function pathOf(id, { q = '', show = '', sort = '' }, offset, limit) {
  return jobPath(id, `/tables?${new URLSearchParams({ offset, limit, sort: sort || 'trouble', ...(show && { state: show }), ...(q && { q }) })}`);
}

/** Ask for the first page of what the address names, together with the job itself. */
export function expectTables(id) {
  if (!['', 'tables'].includes(route.value.tab)) return;
  const path = pathOf(id, route.value.query, 0, PAGE_SIZE), answer = get(path);
  answer.catch(() => {}); // who shows the list tells
  expected = { path, answer };
}

function page(path, signal) {
  const { path: known, answer } = expected ?? {};
  expected = null;
  return known === path ? answer : get(path, { signal });
}

export function Tables({ job }) {
  const { q = '', show = '', sort = '', find } = route.value.query;
  const [known, setKnown] = useState(null);
  const narrow = useNarrow(), version = [job.ID, q, show, sort].join('\n');
  const load = async (offset, limit, signal) => {
    const found = await page(pathOf(job.ID, route.value.query, offset, limit), signal);
    setKnown(found);
    return { rows: found.Tables, total: found.Matching };
  };
  return html`<section class="card tables" aria-labelledby="tables">
    <header><h2 id="tables">${t('tables.title')}</h2><${Chips} known=${known} show=${show} /><${Find} q=${q} focus=${find} /></header>
    <${Grid} label=${t('tables.label')} kind="job-tables" columns=${columnsOf(job)} load=${load} version=${version} rowKey=${row => row.Table} height=${narrow ? CARD : ROW}
      every=${MOVES.has(job.Shown) || known?.Groups?.moving ? SOON_MS : SELDOM_MS} order=${{ by: sort, sort: by => setQuery({ sort: by || null }) }}
      empty=${html`<${None} job=${job} q=${q} show=${show} />`} />
    <${Foot} known=${known} sort=${sort} />
  </section>`;
}

function Chips({ known, show }) {
  const groups = known?.Groups ?? {};
  const chips = [['', known?.Total], ...GROUPS.map(group => [group, groups[group]])].filter(([group, count]) => !group || count || group === show);
  return html`<div class="chips" role="group" aria-label=${t('tables.show')}>${chips.map(([group, count]) => html`<button key=${group} class="chip"
    aria-pressed=${show === group} onClick=${() => setQuery({ show: group || null })}>${t(`tables.group.${group || 'all'}`)} <b>${num(count)}</b></button>`)}</div>`;
}

function Find({ q, focus }) {
  const field = useRef(), timer = useRef();
  useEffect(() => {
    if (focus) field.current?.focus();
  }, [focus]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const typed = e => {
    const text = e.currentTarget.value;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery({ q: text || null }), TYPED_MS);
  };
  return html`<div class="search"><${Icon} name="search" /><input type="search" ref=${field} aria-label=${t('tables.find')} placeholder=${t('tables.find_example')} defaultValue=${q} onInput=${typed} /></div>`;
}

function None({ job, q, show }) {
  if (q || show) return html`<${Empty} title=${t('tables.none_found', { q: q || t(`tables.group.${show}`) })}><button onClick=${() => setQuery({ q: null, show: null })}>${t('tables.clear')}</button><//>`;
  return html`<${Empty} title=${t(job.Stage === 'pending' ? 'tables.come_with_the_copy' : 'tables.none')} />`;
}

function Foot({ known, sort }) {
  return html`<p class="foot"><span>${t('tables.changes_note')}${known?.ChangesSince ? ` ${t('tables.changes_since', { time: clock(known.ChangesSince, { date: true }) })}` : ''}</span>
    ${known?.ChangesProblem && html`<span class="warn" lang="en">${known.ChangesProblem}</span>`}
    ${!sort && html`<span>${t('tables.order')}</span>`}</p>`;
}

function columnsOf(job) {
  return [
    { key: 'table', title: t('tables.table'), class: 'name', sort: 'name', first: 'ascending', cell: row => html`<${Name} table=${row.Table} />` },
    { key: 'state', title: t('tables.state'), class: 'is', cell: row => html`<${State} state=${row.State} table />${row.Problem && html`<span class="hidden" lang="en">${row.Problem}</span>`}` },
    { key: 'copied', title: t('tables.copied'), class: 'copied', sort: 'size', cell: row => html`<${Copied} row=${row} />` },
    { key: 'changed', title: t('tables.changed'), class: 'changed', sort: 'changed', cell: row => html`<${Changes} row=${row} />` },
    { key: 'last', title: t('tables.last_change'), class: 'last', sort: 'last_change', cell: row => (row.LastChange ? html`<${Since} at=${row.LastChange} />` : '–') },
    { key: 'compared', title: t('tables.compared'), class: 'compared', cell: row => html`<${Compared} row=${row} />` },
    { key: 'acts', title: html`<span class="hidden">${t('tables.acts')}</span>`, class: 'more', cell: row => html`<${Menu} label=${t('tables.acts_of', { table: row.Table })} items=${tableActs(job, row, canWrite.value)} small />` },
  ];
}

function Name({ table }) {
  const dot = table.indexOf('.');
  return html`<span class="clip" title=${table}><span class="soft">${table.slice(0, dot + 1)}</span><b>${table.slice(dot + 1)}</b></span>`;
}

function Copied({ row }) {
  if (row.State === 'waiting') return html`<span class="soft">${row.EstimatedRows == null ? '–' : t('tables.about_rows', { rows: num(row.EstimatedRows) })}</span>`;
  if (row.Percent != null && row.Percent < 100 && ['copying', 'reloading'].includes(row.State))
    return html`<span class="mini"><progress max="100" value=${row.Percent} aria-label=${t('tables.copied_of', { table: row.Table })}></progress><span>${percent(row.Percent)}</span></span>`;
  const rows = row.Rows ?? row.EstimatedRows;
  return html`<span title=${rows == null ? undefined : exact(rows)}>${num(rows)}${row.Bytes != null && html` <span class="soft">· ${bytes(row.Bytes)}</span>`}</span>`;
}

function Changes({ row }) {
  if (row.Inserted == null) return '–';
  if (!(row.Inserted + row.Updated + row.Deleted)) return '0';
  return html`<span title=${row.Uncounted ? t('tables.uncounted', { n: row.Uncounted }) : undefined}>${row.Uncounted ? '≥ ' : ''}+${num(row.Inserted)} <i>/</i> ~${num(row.Updated)} <i>/</i> −${num(row.Deleted)}</span>`;
}

function Compared({ row }) {
  const when = row.Compared && html` <span class="soft"><${Since} at=${row.Compared} /></span>`;
  if (row.Differences) return html`<${State} state="differs" table /> <span class="rows">${t('tables.rows', { n: row.Differences })}</span>${when}`;
  if (row.Equal === true) return html`<${State} state="equal" table />${when}`;
  return row.Equal === false ? html`<${State} state="differs" table />${when}` : '–';
}

function useNarrow() {
  const [narrow, setNarrow] = useState(() => matchMedia('(max-width: 760px)').matches);
  useEffect(() => {
    const media = matchMedia('(max-width: 760px)'), changed = () => setNarrow(media.matches);
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  }, []);
  return narrow;
}
