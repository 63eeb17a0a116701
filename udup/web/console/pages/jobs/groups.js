// The table of jobs, by groups or by a column.
import { html, useState } from '../../core/html.js';
import { Icon } from '../../core/icons.js';
import { kept } from '../../core/kept.js';
import { setQuery } from '../../core/route.js';
import { GROUPS } from '../../core/states.js';
import { spark } from '../../core/store.js';
import { t } from '../../core/words.js';
import { sorted } from './order.js';
import { Row } from './row.js';

/** Rows of a group that are shown at first. */
const FIRST = 50;

/** Groups that can be folded, and stay so. */
const FOLDABLE = ['running', 'ended'];
const HINTS = ['needs_you', 'healing', 'behind', 'under_way'];

export function Groups({ hits, arrangement, all, shown, sort, isSearch, lang }) {
  const [whole, showWhole] = useState({});
  const [folded, fold] = useState(() => new Set((kept.get('folded') || '').split(',')));
  const names = new Set(hits.map(job => job.ID));
  const toggle = name => {
    const next = new Set(folded);
    if (!next.delete(name)) next.add(name);
    kept.set('folded', [...next].join(','));
    fold(next);
  };
  const rows = ids => ids.map(id => html`<${Row} key=${id} job=${all.get(id)} points=${spark.value.get(id)} lang=${lang} />`);
  const group = name => {
    const ids = arrangement[name].filter(id => names.has(id));
    if (!ids.length || (shown && shown !== name)) return null;
    const isFolded = !isSearch && !shown && folded.has(name);
    const seen = isFolded ? [] : whole[name] ? ids : ids.slice(0, FIRST);
    return html`<tbody key=${name} data-group=${name}><${Head} name=${name} count=${ids.length} isFolded=${isFolded} onFold=${FOLDABLE.includes(name) && !isSearch && !shown && (() => toggle(name))} />
      ${rows(seen)}${!isFolded && seen.length < ids.length && html`<${More} count=${ids.length} onShow=${() => showWhole({ ...whole, [name]: true })} />`}</tbody>`;
  };
  return html`<table class="jobs"><caption class="hidden">${t('jobs.caption')}</caption>
    <colgroup><col class="c-state" /><col class="c-since" /><col class="c-job" /><col /><col class="c-lag" /><col class="c-spark" /><col class="c-rate" /></colgroup>
    <thead><tr><th scope="col">${t('jobs.state')}</th><${Sortable} by="since" sort=${sort} label=${t('jobs.since')} /><${Sortable} by="name" sort=${sort} label=${t('jobs.job')} /><th scope="col">${t('jobs.what')}</th>
      <${Sortable} by="lag" sort=${sort} label=${t('jobs.lag')} number /><th scope="col"><span class="hidden">${t('jobs.lag_hour')}</span></th><${Sortable} by="rate" sort=${sort} label=${t('jobs.rows')} number /></tr></thead>
    ${sort ? html`<${Sorted} ids=${sorted(hits.filter(job => !shown || arrangement[shown].includes(job.ID)), sort).map(job => job.ID)} rows=${rows} whole=${whole.sorted} onShow=${() => showWhole({ ...whole, sorted: true })} />` : GROUPS.map(group)}</table>`;
}

function Sorted({ ids, rows, whole, onShow }) {
  const seen = whole ? ids : ids.slice(0, 2 * FIRST);
  return html`<tbody>${rows(seen)}${seen.length < ids.length && html`<${More} count=${ids.length} onShow=${onShow} />`}</tbody>`;
}

function Head({ name, count, isFolded, onFold }) {
  const word = html`<b>${t(`group.${name}`)} ${count}</b>${HINTS.includes(name) && html`<span class="hint">${t(`jobs.hint_${name}`)}</span>`}`;
  return html`<tr class="group"><th colspan="7" scope="rowgroup">${onFold ? html`<button type="button" class="plain" aria-expanded=${!isFolded} onClick=${onFold}><${Icon} name=${isFolded ? 'right' : 'down'} />${word}</button>` : word}</th></tr>`;
}

const More = ({ count, onShow }) => html`<tr class="more"><td colspan="7"><button type="button" class="quiet" onClick=${onShow}>${t('jobs.show_all', { n: count })}</button></td></tr>`;

/** A head that sorts: once, the other way round, and back to the groups. */
function Sortable({ by, sort, label, number = false }) {
  const isMine = sort.replace('-', '') === by;
  const next = !isMine ? by : sort.startsWith('-') ? '' : `-${by}`;
  const isUp = (by === 'name') !== sort.startsWith('-'); // names from A on, numbers from the largest
  const shown = isMine ? (isUp ? 'ascending' : 'descending') : undefined;
  return html`<th scope="col" class=${number ? 'num' : ''} aria-sort=${shown}><button type="button" class="plain" onClick=${() => setQuery({ sort: next })}>${label}${isMine && html`<span aria-hidden="true"> ${shown === 'ascending' ? '↑' : '↓'}</span>`}</button></th>`;
}
