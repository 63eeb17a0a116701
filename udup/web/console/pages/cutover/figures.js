// Where a cut-over stands, in large figures: how long nobody may write, what is left to apply, what can be undone.

import { html, useEffect, useState } from '../../core/html.js';
import { t } from '../../core/words.js';
import { get } from '../../core/api.js';
import { now, tick } from '../../core/clock.js';
import { clock, dur, lag, num } from '../../core/formats.js';
import { jobPath } from '../follow.js';
import { isSwitched, mayWrite, outage, stepOf } from './steps.js';

/** Milliseconds between questions how much is left. */
const ASK = 2000;

/** Return how many transactions a GTID set holds; null where that is not told by its form (MariaDB's positions). */
export function transactionsIn(set) {
  if (!set) return 0;
  let found = 0;
  for (const part of set.split(',')) {
    const [, ...ranges] = part.trim().split(':');
    if (!ranges.length) return null;
    for (const range of ranges) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(range);
      if (match) found += Number(match[2] ?? match[1]) - Number(match[1]) + 1;
    }
  }
  return found;
}

/** Ask how many transactions are left for as long as that is being waited for: {left, of}. */
function useLeft(id, waits) {
  const [left, setLeft] = useState(null);
  useEffect(() => {
    if (!waits) return undefined;
    const ends = new AbortController();
    let timer = 0;
    const ask = async () => {
      try {
        const level = await get(`${jobPath(id, 'level')}?timeout=0`, { signal: ends.signal });
        const n = level.Level ? 0 : transactionsIn(level.Missing);
        setLeft((before) => (n === null ? before : { left: n, of: Math.max(before?.of ?? 0, n) }));
      } catch { /* the step's own text says what keeps the servers from being asked */ }
      if (!ends.signal.aborted) timer = setTimeout(ask, ASK);
    };
    ask();
    return () => { ends.abort(); clearTimeout(timer); };
  }, [id, waits]);
  return left;
}

export function Figures({ id, cutover, job }) {
  tick.value; // counts the seconds
  const level = stepOf(cutover, 'level');
  const waits = cutover.State === 'running' && level?.State === 'doing';
  const left = useLeft(id, waits);
  return html`<section class="card" aria-label=${t('cutover.figures')}><dl class="kpis">
    <${Outage} cutover=${cutover} />
    <div><dt>${t('cutover.left')}</dt>
      <dd class="figure">${level?.State === 'done' ? num(0) : waits && left ? num(left.left) : '–'} <small>${
  t('cutover.transactions')}</small></dd>
      <dd class="soft small">${level?.State === 'done' ? t('cutover.level_since', { at: clock(level.Time, { seconds: true }) })
    : waits ? t('cutover.gives_up', { after: dur(cutover.Timeout) }) : t('cutover.left.later')}</dd></div>
    <div><dt>${t('cutover.lag')}</dt><dd class="figure">${lag(job?.Progress?.lag_ms ?? null)}</dd>
      <dd class="soft small">${t('cutover.lag.of')}</dd></div>
    <div><dt>${t('cutover.back')}</dt><dd class="figure">${t(`cutover.back.${backOf(cutover)}`)}</dd>
      <dd class="soft small">${t(`cutover.back.${backOf(cutover)}.means`, { job: cutover.WayBack })}</dd></div>
  </dl></section>`;
}

function backOf(cutover) {
  if (cutover.State === 'undone') return 'undone';
  if (!isSwitched(cutover)) return 'open';
  return cutover.WayBack ? 'job' : 'none';
}

function Outage({ cutover }) {
  const found = outage(cutover);
  const seconds = found && ((found.to ?? now()) - found.from) / 1000;
  const word = !found ? 'none' : found.to !== null ? 'over' : 'lasts';
  const own = cutover.SourceReadOnly ? '' : '_word';
  return html`<div class=${`outage ${word}`}><dt>${t(`cutover.outage.${word}`)}</dt>
    <dd class="figure large"><span role="timer" aria-live="off">${found
    ? `${found.about ? '≈ ' : ''}${dur(Math.max(0, Math.round(seconds)))}` : '–'}</span></dd>
    <dd class="soft small">${!found ? t('cutover.outage.not_closed')
    : found.to !== null && !mayWrite(cutover) ? t('cutover.outage.undone', { at: clock(new Date(found.to).toISOString(), { seconds: true }) })
      : t(`cutover.outage.since${own}`, { at: clock(new Date(found.from).toISOString(), { seconds: true }) })}</dd></div>`;
}
