/** Where a job is in its life, and how long each part of it took as far as the time line tells. */
import { html } from '../../core/html.js';
import { ago, dur, percent, since } from '../../core/formats.js';
import { tick } from '../../core/clock.js';
import { Icon } from '../../core/icons.js';
import { lookOf } from '../../core/states.js';
import { t } from '../../core/words.js';

const STAGES = ['pending', 'copying', 'catching_up', 'running'];
const STOPPED = new Set(['diverged', 'failed', 'paused']);

/** The stage that a job is in, or was in when it stopped. */
function placeOf(job) {
  const at = STAGES.indexOf(job.Stage);
  if (job.Shown === 'completed' || job.Stage === 'completed' || STOPPED.has(job.Shown) || STOPPED.has(job.Stage)) return STAGES.length - 1;
  return at < 0 ? STAGES.length - 1 : at;
}

export function StageLine({ job, entries }) {
  tick.value;
  const at = placeOf(job), last = lastStage(job), copies = job.Progress.copied_rows != null || job.Stage === 'copying';
  const took = durations(entries);
  return html`<ol class="card stages" aria-label=${t('job.stages')}>${STAGES.map((stage, i) => {
    const state = i < at ? 'done' : i === at ? `now ${STOPPED.has(job.Shown) ? lookOf(job.Shown).tone : ''}` : '';
    const word = i < at ? `job.stage.${stage}_done` : i === STAGES.length - 1 ? `job.stage.${last}` : i === at ? `job.stage.${stage}` : `job.stage.${stage}_to_do`;
    const told = i < at ? (stage === 'copying' && !copies ? t('job.stage.no_copy') : took[stage] == null ? '' : dur(took[stage] / 1000)) : i === at ? present(job) : '';
    return html`<li key=${stage} class=${state} aria-current=${i === at ? 'step' : undefined}><${Icon} name=${i < at ? 'completed' : i === at ? job.Shown : 'pending'} />
      <span>${t(word)}<small>${told}</small></span></li>`;
  })}</ol>`;
}

/** The last stage by its name: where the job stands now, if it is there. */
function lastStage(job) {
  if (['diverged', 'failed'].includes(job.Shown)) return 'stopped';
  if (['paused', 'completed', 'cutting_over'].includes(job.Shown)) return job.Shown;
  return STAGES.indexOf(job.Stage) === STAGES.length - 1 ? 'running' : 'running_to_do';
}

function present(job) {
  const progress = job.Progress;
  if (job.Shown === 'copying') {
    const done = progress.copy_total_rows ? percent((progress.copied_rows / progress.copy_total_rows) * 100) : '';
    return [done, progress.eta_s != null && t('job.ready_in', { time: dur(progress.eta_s) })].filter(Boolean).join(', ');
  }
  if (!job.ShownSince) return '';
  return STOPPED.has(job.Shown) || job.Shown === 'completed' ? ago(job.ShownSince) : t('job.for', { time: since(job.ShownSince) });
}

/** Milliseconds that each stage took the first time, null where the time line does not reach back to it. */
function durations(entries) {
  const started = firstOf(entries, 'started'), copied = firstOf(entries, 'copy_complete', started ?? 0);
  const level = firstOf(entries, 'caught_up', copied ?? started ?? 0);
  const between = (from, to) => (from && to ? to - from : null);
  return { pending: null, copying: between(started, copied), catching_up: between(copied ?? started, level) };
}

/** When an entry of this kind was told first from a moment on, in milliseconds, null where none is known. */
function firstOf(entries, kind, from = 0) {
  const found = (entries ?? []).find(entry => entry.Kind === kind && Date.parse(entry.Time) >= from);
  return found ? Date.parse(found.Time) : null;
}
