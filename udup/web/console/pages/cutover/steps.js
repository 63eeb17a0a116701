// What a cut-over's record says, for the page: which step is where, and how long nobody may write.

import { msOf } from '../follow.js';

/** The API's steps in their order. `end` is the switch: nothing before it lasts, nothing behind it is undone. */
export const STEPS = ['check', 'freeze', 'level', 'counters', 'end', 'triggers', 'position', 'events', 'reverse'];

/** Icon and tone of a step's state. */
export const STEP_STATES = {
  __proto__: null,
  waiting: { icon: 'pending', tone: 'idle' },
  doing: { icon: 'catching_up', tone: 'info' },
  done: { icon: 'completed', tone: 'ok' },
  failed: { icon: 'failed', tone: 'bad' },
  undone: { icon: 'undone', tone: 'idle' },
  'left out': { icon: 'left_out', tone: 'idle' },
};

export function isActive(cutover) {
  return cutover.State === 'running' || cutover.State === 'undoing';
}

export function isSwitched(cutover) {
  return msOf(cutover.Switched) !== null;
}

export function stepOf(cutover, name) {
  return cutover.Steps.find((step) => step.Step === name);
}

/** Return whether applications may write to the target: said when its position is noted. */
export function mayWrite(cutover) {
  return isSwitched(cutover) && stepOf(cutover, 'position')?.State === 'done';
}

/**
 * Return since when nobody could write, and until when: milliseconds since 1970, `to` null while that lasts; null where
 * the source was never closed. Where the step was undone, it began at most when the check had ended.
 */
export function outage(cutover) {
  if (cutover.DryRun) return null;
  const freeze = stepOf(cutover, 'freeze');
  const check = stepOf(cutover, 'check');
  if (!freeze || !['doing', 'done', 'undone'].includes(freeze.State)) return null;
  const undone = freeze.State === 'undone';
  const from = msOf(undone ? check?.Time : freeze.Time);
  const to = undone ? msOf(freeze.Time) : mayWrite(cutover) ? msOf(stepOf(cutover, 'position').Time) : null;
  return from === null ? null : { from, to, about: undone || freeze.State === 'doing' };
}

/** Return how long a step took, in seconds: from the end of the one before. Null where that is not known. */
export function tookOf(cutover, index) {
  const step = cutover.Steps[index];
  const end = msOf(step.Time);
  if (end === null || step.State !== 'done') return null;
  const before = cutover.Steps.slice(0, index).reverse().find((each) => each.State === 'done');
  const start = before ? msOf(before.Time) : msOf(cutover.Since);
  return start === null ? null : Math.max(0, (end - start) / 1000);
}

/** Return the command that does what the options ask for. */
export function commandOf(id, options, quote) {
  const flags = [
    [options.SourceReadOnly, '--source-read-only'], [options.WritesStopped, '--writes-stopped'],
    [options.EnableEvents, '--enable-events'], [options.Reverse, '--reverse'],
    [options.Timeout && options.Timeout !== 60, `--timeout ${options.Timeout}`], [options.DryRun, '--dry-run'],
  ];
  return ['udup job cutover', quote(id), ...flags.filter(([on]) => on).map(([, flag]) => flag)].join(' ');
}

/** Return what an earlier one was asked for, as a new one is asked. */
export function optionsOf(cutover) {
  const { SourceReadOnly, WritesStopped, EnableEvents, Reverse, Timeout } = cutover;
  return { SourceReadOnly, WritesStopped, EnableEvents, Reverse, Timeout };
}
