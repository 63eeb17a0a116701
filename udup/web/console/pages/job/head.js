/** The head of a job's page: what it is, how it is, and what can be done with it. */
import { html } from '../../core/html.js';
import { Icon } from '../../core/icons.js';
import { go, href } from '../../core/route.js';
import { canWrite } from '../../core/session.js';
import { State } from '../../core/states.js';
import { t } from '../../core/words.js';
import { Menu } from '../../parts/menu.js';
import { answer, compare, finish, fromHead, giveUp, pause, purge, remove, resume, source, target } from './acts.js';
import { exportJob } from './export.js';

/** States in which a job is carried out, so that it can be paused. */
const GOES = new Set(['pending', 'copying', 'catching_up', 'running', 'reloading', 'lagging', 'differs', 'reconnecting', 'not_heard']);

export const isSubscription = job => job.Type === 'subscribe';
export const canPause = job => GOES.has(job.Shown) && job.Status !== 'pause';
const canCutOver = job => job.Type === 'synchronous' && ['running', 'lagging', 'differs', 'cutting_over', 'reloading'].includes(job.Shown);

export function JobHead({ id, job }) {
  return html`<nav class="crumb" aria-label=${t('job.crumb')}><a href=${href('jobs')}>${t('job.jobs')}</a> / <span>${id}</span></nav>
    <div class="head">
      <div><div class="title"><h1 tabindex="-1">${job?.Name || id}</h1>${job && html`<${State} state=${job.Shown} since=${job.ShownSince} pill />`}</div>
        ${job && html`<p class="ends"><span>${source(job)}</span> <${Icon} name="arrow" /><span class="hidden">${t('job.to')}</span> <span>${destination(job)}</span></p>`}</div>
      ${job && html`<div class="acts">${canWrite.value && html`<${Buttons} job=${job} />`}<${Menu} label=${t('job.more_acts')} items=${menu(job)} /></div>`}
    </div><${Answer} id=${id} />`;
}

function destination(job) {
  const task = job.Tasks?.find(each => each.Type === 'Dest');
  return task?.Driver === 'MySQL' ? target(job) : [task?.Driver, target(job)].filter(Boolean).join(' ');
}

function Buttons({ job }) {
  const act = (label, run) => () => fromHead(job, label, () => run(job));
  return html`
    ${job.Shown === 'paused' || job.Status === 'pause' ? html`<button onClick=${act(t('job.resume'), resume)}><${Icon} name="start" />${t('job.resume')}</button>`
      : canPause(job) && html`<button onClick=${act(t('job.pause'), pause)}><${Icon} name="paused" />${t('job.pause')}</button>`}
    ${canCutOver(job) && html`<a class="button" href=${href('jobs', job.ID, 'cutover')}><${Icon} name="cutting_over" />${job.Cutover ? t('job.cut_over_seen') : t('job.cut_over')}</a>`}`;
}

/** What is behind "…": for who may only look the export alone. */
function menu(job) {
  const act = (label, run, then) => ({ label: `${label}…`, onAct: () => fromHead(job, label, () => run(job)).then(done => done && then?.()) });
  const given = { label: t('job.export'), onAct: () => exportJob(job) };
  if (!canWrite.value) return [given];
  const subscribes = isSubscription(job), ended = job.Shown === 'completed';
  const at = (label, tab, query) => ({ label, onAct: () => go('jobs', job.ID, tab, query) });
  return [
    !ended && at(t('job.update'), 'document'),
    !ended && { label: t('job.add_tables'), onAct: () => go('new', 'tables', '', { job: job.ID, for: 'add' }) },
    !subscribes && !ended && { label: t('job.compare'), onAct: () => fromHead(job, t('job.compare'), () => compare(job)).then(done => done && go('jobs', job.ID, 'compare')) },
    !subscribes && !ended && at(t('job.reload_a_table'), 'tables', { find: '1' }),
    job.Growing && act(t('job.give_up'), giveUp),
    job.Type === 'migration' && job.EndWhen === 'finished' && !ended && act(t('job.finish'), finish),
    given,
    { ...act(t('job.delete'), remove, () => go('jobs')), danger: true },
    { ...act(t('job.purge'), purge, () => go('jobs')), danger: true },
  ].filter(Boolean);
}

/** What the last act came to, where its button is. */
function Answer({ id }) {
  const given = answer.value?.id === id ? answer.value : null;
  return html`<p class=${`act-answer ${given?.error ? 'bad' : ''}`} role="status">${given && html`
    ${given.busy || (given.error ? given.error.text ?? given.error.message : given.text)}
    ${!given.busy && html`<button class="quiet" onClick=${() => { answer.value = null; }}>${t('job.dismiss')}</button>`}`}</p>`;
}
