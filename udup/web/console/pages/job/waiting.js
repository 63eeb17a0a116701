/** What a job waits for that goes on by itself: an outage, a lock, room on a disk. */
import { html } from '../../core/html.js';
import { ago, clock } from '../../core/formats.js';
import { now, tick } from '../../core/clock.js';
import { Icon } from '../../core/icons.js';
import { canWrite } from '../../core/session.js';
import { has, t } from '../../core/words.js';
import { ActButton } from '../../parts/button.js';
import { carryOut, command, pause } from './acts.js';
import { canPause } from './head.js';
import { filled } from './words.js';

/** A wait may be told with a word of several parts: its key has underscores. */
const keyOf = kind => String(kind || '').toLowerCase().replaceAll(/[ -]/g, '_');

/** Return for whom a job waits, in a line. */
export function waitTitle(waits) {
  const whom = t(has(`failures.waits.for.${waits.For}`) ? `failures.waits.for.${waits.For}` : 'failures.waits.for.something');
  return t(waits.To ? 'failures.waits.title_to' : 'failures.waits.title', { whom, to: waits.To });
}

export function WaitingCard({ job }) {
  const waits = job.Waits;
  if (!waits || job.Failure) return null;
  tick.value;
  const meaning = filled(`failures.waits.${keyOf(waits.Kind)}`, { table: waits.Table, to: waits.To });
  const code = text => text && html`<code class="long">${text}</code>`;
  const rows = [
    [t('failures.waits.since'), waits.Since && html`<time datetime=${waits.Since}>${clock(waits.Since, { seconds: true })}</time>, ${ago(waits.Since)}`],
    [t('failures.waits.why'), waits.Why && html`<span lang="en">${waits.Why}</span>`],
    [t('failures.table'), code(waits.Table)],
    [t('failures.statement'), code(waits.Statement)],
    [t('failures.waits.session'), code(waits.Session)],
    [t('failures.waits.next_try'), waits.NextTry && t('failures.waits.next_try_at', { in: Date.parse(waits.NextTry) > now() ? ago(waits.NextTry) : t('failures.waits.now'), n: waits.Attempts + 1 })],
    [t('failures.waits.hint'), waits.Hint && html`<span lang="en">${waits.Hint}</span>`],
  ].filter(([, value]) => value);
  return html`<section class="card fail warn" aria-labelledby="waits">
    <div class="top"><${Icon} name=${job.Shown === 'not_heard' ? 'not_heard' : 'reconnecting'} /><div><h2 id="waits">${waitTitle(waits)}</h2><p>${meaning ?? t('failures.waits.goes_on')}</p></div></div>
    <dl class="evidence">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    ${canWrite.value && html`<p class="do-row">
      ${waits.NextTry && html`<${ActButton} label=${t('failures.act.try_now.verb')} busy=${t('failures.waits.trying')} command=${command('job', 'resume', job.ID)} onAct=${() => tryNow(job)} />`}
      ${canPause(job) && html`<${ActButton} label=${`${t('job.pause')}…`} busy=${t('job.under_way', { act: t('job.pause') })} command=${command('job', 'pause', job.ID)} onAct=${() => pause(job)} />`}</p>`}
  </section>`;
}

const tryNow = job => carryOut(job, 'try_now', {});
