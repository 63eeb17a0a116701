// The steps of a cut-over, in the API's order and by its words.

import { html } from '../../core/html.js';
import { t } from '../../core/words.js';
import { dur } from '../../core/formats.js';
import { now, tick } from '../../core/clock.js';
import { Icon } from '../../core/icons.js';
import { Time } from '../../parts/time.js';
import { msOf } from '../follow.js';
import { Said } from './said.js';
import { STEPS, STEP_STATES, isActive, isSwitched, tookOf } from './steps.js';

/** `cutover`: null shows what the steps will be. `footer` stands below them. */
export function Steps({ cutover = null, footer = null }) {
  const steps = cutover?.Steps ?? STEPS.map((Step) => ({ Step, State: 'waiting', Time: '', Text: '' }));
  return html`<section class="card" aria-labelledby="cutover-steps">
    <header><h2 id="cutover-steps">${t('cutover.steps')}</h2><span class="soft small">${cutover && !cutover.DryRun
    ? t(isSwitched(cutover) ? 'cutover.cannot_be_undone' : 'cutover.can_be_undone') : t('cutover.steps.all')}</span>
    </header>
    <ol class="cut">${steps.map((step, index) => html`<${Step} key=${step.Step} step=${step} index=${index}
      cutover=${cutover} />`)}</ol>${footer}</section>`;
}

function Step({ step, index, cutover }) {
  const is = cutover?.DryRun && step.State === 'undone' ? 'left out' : step.State; // nothing was done
  const state = STEP_STATES[is] ?? STEP_STATES.waiting;
  const doing = step.State === 'doing' && cutover && isActive(cutover);
  return html`<li class=${is.replace(' ', '-')} aria-current=${doing ? 'step' : undefined}>
    <b class="number" aria-hidden="true">${index + 1}</b>
    <div class="what"><h3>${t(`cutover.step.${step.Step}`)} <code class="faint small">${step.Step}</code>
      ${step.Step === 'end' && html` <span class="tag bad">${t('cutover.point_of_no_return')}</span>`}</h3>
      <p class="soft">${t(`cutover.step.${step.Step}.does`)}</p>
      ${step.Text && html`<${Said} text=${step.Text} failed=${is === 'failed'} />`}</div>
    <div class="how">${cutover && html`<span class=${`state ${state.tone}`}><${Icon} name=${state.icon} />${
  t(`cutover.state.${is.replace(' ', '_')}`)}</span>
      <${Took} step=${step} index=${index} cutover=${cutover} doing=${doing} />`}</div></li>`;
}

function Took({ step, index, cutover, doing }) {
  tick.value;
  const at = msOf(step.Time);
  if (at === null || step.State === 'left out') return null;
  if (doing) {
    return html`<span class="faint small">${t('cutover.for', { time: dur(Math.max(0, Math.round((now() - at) / 1000))) })}</span>`;
  }
  const took = tookOf(cutover, index);
  return html`<span class="faint small">${took !== null && `${t('cutover.took', { time: dur(took) })} · `}<${Time}
    at=${step.Time} /></span>`;
}
