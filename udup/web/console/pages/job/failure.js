/**
 * Why a job stopped: what it is about, what that means, the evidence, the time left, and what mends it. All of it comes
 * from the node as data; a kind that has no words here is shown in the node's own.
 */
import { html } from '../../core/html.js';
import { ago, clock, dur, gtid } from '../../core/formats.js';
import { now, tick } from '../../core/clock.js';
import { Icon } from '../../core/icons.js';
import { href } from '../../core/route.js';
import { lang, rich, t } from '../../core/words.js';
import { canWrite } from '../../core/session.js';
import { ActButton } from '../../parts/button.js';
import { Command } from '../../parts/command.js';
import { Copy } from '../../parts/copy.js';
import { ask, questionOf } from './acts.js';
import { hasRoute, requestOfRemedy } from './requests.js';
import { filled } from './words.js';

/** Acts that lead to a page in which they are done. */
const PAGES = { __proto__: null, update: 'document', cutover: 'cutover' };

/** What sentences are filled with: the parameters of the kind, and what is known of every failure. */
export function paramsOf(failure) {
  const known = { table: failure.Table, gtid: gtid(failure.Gtid).short, key: failure.Key, position: failure.Position };
  return { ...Object.fromEntries(Object.entries(known).filter(([, value]) => value)), ...failure.Params };
}

/** The most telling heading of a kind for which all is known that it names; the node's first sentence where there is none. */
export const titleOf = (failure, params = paramsOf(failure)) => ['title_key', 'title', 'short'].map(form => filled(`failures.${failure.Kind}.${form}`, params)).find(Boolean) ?? firstSentence(failure.Text);

const firstSentence = text => text.split(/(?<=[^.]\.)\s|\n| -- /)[0];

export function FailureCard({ job }) {
  const failure = job.Failure;
  if (!failure) return null;
  const params = paramsOf(failure), title = titleOf(failure, params);
  const meaning = filled(`failures.${failure.Kind}.meaning`, params);
  return html`<section class="card fail" aria-labelledby="why">
    <div class="top"><${Icon} name=${job.Shown} /><div><h2 id="why">${title}</h2><p>${meaning ?? failure.Text}</p></div></div>
    <${Evidence} job=${job} failure=${failure} />
    <${Faults} faults=${failure.Faults ?? []} />
    <ol class="fixes">${failure.Remedies.map((remedy, i) => html`<${Fix} key=${remedy.Command} job=${job} remedy=${remedy} params=${params} number=${i + 1} />`)}</ol>
    ${meaning && html`<details class="original"><summary>${t('failures.original')}</summary><p lang="en"><code>${failure.Text}</code></p></details>`}
  </section>`;
}

function Evidence({ job, failure }) {
  tick.value;
  const rows = [
    [t('failures.stopped'), failure.At && html`<time datetime=${failure.At}>${clock(failure.At, { seconds: true })}</time>${t('failures.stopped_since', { ago: ago(failure.At), n: failure.Tries || 1 })}`],
    [t('failures.transaction'), failure.Gtid && html`<code>${failure.Gtid}</code> <${Copy} text=${failure.Gtid} />`],
    [t('failures.table'), failure.Table && html`<code>${failure.Table}</code>`],
    [t('failures.key'), failure.Key && html`<code>${failure.Key}</code>`],
    [t('failures.statement'), failure.Statement && html`<code class="long">${failure.Statement}</code>`],
    [t('failures.position'), failure.Position && html`<code>${failure.Position}</code>`],
    [t('failures.time_left'), timeLeft(failure)],
  ].filter(([, value]) => value);
  return html`<dl class="evidence">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function timeLeft(failure) {
  const until = Date.parse(failure.SourceKeepsUntil || '');
  if (Number.isNaN(until)) return null;
  const seconds = (until - now()) / 1000;
  return seconds <= 0 ? html`<b>${t('failures.no_time_left')}</b>` : rich('failures.keeps', { time: html`<b>${dur(seconds)}</b>` });
}

/** What was refused at the start of a job, each with what mends it. */
function Faults({ faults }) {
  if (!faults.length) return null;
  return html`<ul class="faults">${faults.map(fault => html`<li key=${fault.Where + fault.Problem}>
    <p>${fault.Task && html`<span class="tag">${t(fault.Task === 'Dest' ? 'failures.target' : 'failures.source')}</span> `}${fault.Where && html`<code>${fault.Where}</code> `}<span lang="en">${fault.Problem}</span></p>
    ${fault.Remedy && html`<${Command} text=${fault.Remedy} />`}</li>`)}</ul>`;
}

function Fix({ job, remedy, params, number }) {
  const known = { ...params, ...flat(remedy.Args) };
  const form = remedy.Act === 'settle' && remedy.Args?.applied !== undefined ? (String(remedy.Args.applied) === 'true' ? 'yes' : 'no') : 'title_table';
  const title = filled(`failures.act.${remedy.Act}.${form}`, known) ?? filled(`failures.act.${remedy.Act}.title`, known) ?? remedy.Act;
  const said = lang.value === 'en' ? null : filled(`failures.${job.Failure.Kind}.${remedy.Act}`, known) ?? filled(`failures.act.${remedy.Act}.text`, known);
  const text = (said ?? remedy.Text) + (remedy.Seconds ? ` ${t('job.takes', { time: dur(remedy.Seconds) })}` : '');
  return html`<li class="fix"><b class="number" aria-hidden="true">${number}</b>
    <div class="what"><h3>${title}${remedy.Recommended && html` <span class="tag info">${t('failures.recommended')}</span>`}</h3><p>${text}</p>
      <${Command} text=${remedy.Command} /></div>
    <${FixButton} job=${job} remedy=${remedy} title=${title} text=${text} /></li>`;
}

/** Arguments as sentences have them: one table by its name. */
function flat(args = {}) {
  const table = args.table ?? args.Tables;
  return { ...args, ...(table && { table: [table].flat().join(', ') }) };
}

function FixButton({ job, remedy, title, text }) {
  if (remedy.Act === 'statement' || (!hasRoute(remedy.Act) && !(remedy.Act in PAGES))) return html`<span class="do"></span>`;
  const verb = t(`failures.act.${remedy.Act}.verb`), loses = remedy.Danger === 'loses';
  const isFirst = remedy.Recommended && !loses; // what loses something is never the button that stands out
  if (remedy.Act in PAGES && canWrite.value) return html`<span class="do"><a class=${`button ${isFirst ? 'primary' : ''}`} href=${href('jobs', job.ID, PAGES[remedy.Act])}>${verb}</a></span>`;
  return html`<span class="do"><${ActButton} label=${remedy.Danger === 'none' ? verb : `${verb}…`} busy=${t('job.under_way', { act: verb })} primary=${isFirst}
    danger=${remedy.Danger} command=${remedy.Command} onAct=${() => mend(job, remedy, title, text)} /></span>`;
}

async function mend(job, remedy, title, text) {
  const { done } = await ask(job, requestOfRemedy(job.ID, remedy), await questionOf(job, remedy, title, text));
  if (!done) return false;
  if (['compare', 'repair'].includes(remedy.Act)) location.hash = href('jobs', job.ID, 'compare');
  if (['delete', 'purge'].includes(remedy.Act)) location.hash = href('jobs');
  return true;
}
