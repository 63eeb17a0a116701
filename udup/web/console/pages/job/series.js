/** Lag and rates of a job's last hour, as the node keeps them, and what has come since. */
import { useEffect, useState } from '../../core/html.js';
import { get } from '../../core/api.js';
import { watch } from '../../core/live.js';
import { jobPath } from './requests.js';

const LINES = ['LagMs', 'RowsPerSecond', 'TransactionsPerSecond'];

/** @returns {{series: {times: number[], LagMs: (number|null)[], RowsPerSecond: (number|null)[], TransactionsPerSecond: (number|null)[]}|null, error: any}} */
export function useSeries(id) {
  const [series, setSeries] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let here = true;
    const stop = new AbortController();
    const load = () => get(jobPath(id, '/series'), { signal: stop.signal })
      .then(found => { if (here) { setSeries(withTimes(found)); setError(null); } })
      .catch(failed => here && !stop.signal.aborted && setError(failed));
    load();
    const leave = watch([`job:${id}`], (event, told) => {
      if (event === 'series' && told.ID === id) setSeries(old => old && later(old, told));
      if (event === 'reset') load();
    });
    return () => {
      here = false;
      stop.abort();
      leave();
    };
  }, [id]);
  return { series, error };
}

export function withTimes(found) {
  const count = found.LagMs.length, step = found.Step * 1000, end = Date.parse(found.End);
  return { step, times: found.LagMs.map((_, i) => end - (count - 1 - i) * step), ...Object.fromEntries(LINES.map(line => [line, found[line]])) };
}

/** Return the hour with one more point; what was missed between stays a gap. */
export function later(old, told) {
  const time = Date.parse(told.Time), last = old.times.at(-1), missed = Math.round((time - last) / old.step);
  if (!(missed > 0)) return old;
  const gap = Math.min(missed, old.times.length) - 1, count = old.times.length;
  const times = [...old.times, ...Array.from({ length: gap }, (_, i) => time - (gap - i) * old.step), time].slice(-count);
  const next = { step: old.step, times };
  for (const line of LINES) next[line] = [...old[line], ...Array(gap).fill(null), told[line] ?? null].slice(-count);
  return next;
}
