// The list of jobs: what needs somebody first. Rows do not move under a pointer.
import { html, useEffect, useMemo, useRef, useState } from '../core/html.js';
import { now } from '../core/clock.js';
import { Icon } from '../core/icons.js';
import { useKeys } from '../core/keys.js';
import { Empty, Failed, Late, Skeleton, usePage } from '../core/page.js';
import { href, setQuery } from '../core/route.js';
import { canWrite } from '../core/session.js';
import { GROUPS } from '../core/states.js';
import { failed, jobs, loaded, readJobs, readSparks } from '../core/store.js';
import { lang, t } from '../core/words.js';
import { Chips } from '../parts/chips.js';
import { Command } from '../parts/command.js';
import { Groups } from './jobs/groups.js';
import { grouped, groupOf, hold, matches } from './jobs/order.js';
import { steer } from './jobs/steer.js';

export default function Jobs({ query }) {
  const heading = usePage(t('jobs.title'));
  const card = useRef(null);
  useEffect(() => {
    void readSparks();
    const timer = setInterval(() => { if (!document.hidden) void readSparks(); }, 60_000);
    return () => clearInterval(timer);
  }, []);
  useKeys(steer(card));
  const all = jobs.value;
  return html`<div class="head"><h1 ref=${heading}>${t('jobs.title')}</h1><div class="acts">
    ${canWrite.value && html`<a class="button primary" href=${href('new', 'servers')}><${Icon} name="plus" />${t('jobs.new')}</a>`}</div></div>
    ${!loaded.value ? html`<div class="card">${failed.value ? html`<${Failed} error=${failed.value} retry=${readJobs} />` : html`<${Late}><${Skeleton} rows=${8} height=${56} /></${Late}>`}</div>`
      : all.size ? html`<${List} all=${all} query=${query} card=${card} />` : html`<div class="card"><${NoJobs} /></div>`}`;
}

const NoJobs = () => html`<${Empty} title=${t('jobs.none')}><p>${t('jobs.none_text')}</p><${Command} text="udup demo --keep" />
  ${canWrite.value && html`<a class="button primary" href=${href('new', 'servers')}><${Icon} name="plus" />${t('jobs.new')}</a>`}</${Empty}>`;

function List({ all, query, card }) {
  const [typed, type] = useState(query.q || '');
  const { arrangement, moved, sortNow, guards } = useArrangement(all);
  const word = typed.trim().toLowerCase();
  const hits = useMemo(() => [...all.values()].filter(job => matches(job, word)), [all, word]);
  const counts = countsOf(hits);
  const search = text => { type(text); setQuery({ q: text.trim() }); };
  const clear = () => { type(''); setQuery({ q: '', show: '' }); };
  const shown = GROUPS.includes(query.show) ? query.show : query.show === 'needs' ? 'needs_you' : '';
  const found = shown ? counts[shown] : hits.length;
  return html`<div class="bar"><div class="search"><${Icon} name="search" /><input type="search" aria-label=${t('jobs.search')} placeholder=${t('jobs.search')} value=${typed} onInput=${event => search(event.target.value)} /><kbd aria-hidden="true">/</kbd></div>
      <${Chips} label=${t('jobs.show')} now=${shown} onPick=${name => setQuery({ show: name === shown ? '' : name })} chips=${[{ name: '', label: t('jobs.all'), count: hits.length }, ...GROUPS.map(name => ({ name, label: t(`group.${name}`), count: counts[name] }))]} /></div>
    <div class="would-move" role="status">${moved > 0 && !query.sort && html`${t('jobs.would_move', { n: moved })} · <button type="button" class="plain link" onClick=${sortNow}>${t('jobs.sort_now')}</button>`}
      ${query.sort && html`${t('jobs.sorted_by', { by: t(COLUMN_WORDS[query.sort.replace('-', '')] || 'jobs.job') })} · <button type="button" class="plain link" onClick=${() => setQuery({ sort: '' })}>${t('jobs.trouble_first')}</button>`}</div>
    <div class="card" ref=${card} ...${guards}>
      ${found ? html`<${Groups} hits=${hits} arrangement=${arrangement} all=${all} shown=${shown} sort=${query.sort || ''} isSearch=${Boolean(word)} lang=${lang.value} />`
        : html`<${Empty} title=${word ? t('jobs.no_hit', { q: typed.trim() }) : t('jobs.no_hit_group')}><button type="button" onClick=${clear}>${t('jobs.clear')}</button></${Empty}>`}</div>`;
}

const COLUMN_WORDS = { __proto__: null, name: 'jobs.job', lag: 'jobs.lag', rate: 'jobs.rows', since: 'jobs.since' };

function countsOf(list) {
  const counts = Object.fromEntries(GROUPS.map(name => [name, 0]));
  for (const job of list) counts[groupOf(job)] += 1;
  return counts;
}

/** Milliseconds after the pointer has left for which jobs stay: it may be on its way to "Sort now". */
const LEFT_MS = 1500;

/**
 * Where each job stands. While the pointer is over the list, or the focus or an open menu is in it, jobs stay where they
 * are, and what would move is counted.
 */
function useArrangement(all) {
  const held = useRef(null);
  const busy = useRef(false);
  const leaving = useRef(0);
  const [, paint] = useState(0);
  if (!held.current || !busy.current) held.current = grouped(all.values(), now());
  const { arrangement, moved } = hold(held.current, all);
  held.current = arrangement;
  const stay = () => { clearTimeout(leaving.current); busy.current = true; };
  const leave = event => {
    const list = event.currentTarget;
    clearTimeout(leaving.current);
    leaving.current = setTimeout(() => {
      if (list.matches(':hover') || list.contains(document.activeElement)) return;
      busy.current = false;
      paint(count => count + 1);
    }, LEFT_MS);
  };
  const guards = { onPointerEnter: stay, onPointerLeave: leave, onFocusIn: stay, onFocusOut: leave };
  const sortNow = () => { held.current = null; paint(count => count + 1); };
  return { arrangement, moved, sortNow, guards };
}
