/** Lag and rates of a job's last hour, as the node keeps them, and what has come since. */
import { useKeptCurrent } from './kept_current.js';

const LINES = ['LagMs', 'RowsPerSecond', 'TransactionsPerSecond'];

/** @returns {{series: {times: number[], LagMs: (number|null)[], RowsPerSecond: (number|null)[], TransactionsPerSecond: (number|null)[]}|null, error: any}} */
export function useSeries(id) {
  const { value: series, error } = useKeptCurrent(id, '/series', (_, found) => withTimes(found),
    (old, event, told) => (event === 'series' && old ? later(old, told) : old));
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
