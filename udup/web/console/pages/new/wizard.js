/** A new job, more tables of one, or another document for one: one question a step, each with an address of its own. */
import { html, signal, useEffect, useState } from '../../core/html.js';
import { Icon } from '../../core/icons.js';
import { Empty, Failed, Skeleton, useLoad, usePage } from '../../core/page.js';
import { go, href } from '../../core/route.js';
import { canWrite } from '../../core/session.js';
import { has, t } from '../../core/words.js';
import { ActButton } from '../../parts/button.js';
import { confirm } from '../../parts/dialog.js';
import { FaultList, reveal } from '../../parts/faults.js';
import { fieldId, loadSchemas } from '../../parts/schema.js';
import { Check, checkOf, faultsOf as faultsIn, isPassed } from './check.js';
import { discard, draft, openDraft, PURPOSES } from './draft.js';
import { faultsOf, stepOf } from './faults.js';
import { Json } from './json.js';
import { look } from './looks.js';
import { Options } from './options.js';
import { Servers } from './servers.js';
import { postJob, Start } from './start.js';
import { Tables } from './tables.js';

const STEPS = { __proto__: null, servers: Servers, tables: Tables, options: Options, check: Check, start: Start };

/** {id, warning} of a document that was taken with a warning. */
const finished = signal(null);

/** The field that the next step is to put the focus on: a fault may lie in another step. */
let wanted = '';

export default function Wizard({ id: step, query }) {
  const [error, setError] = useState(null);
  const [turn, again] = useState(0);
  const key = query.job ? `${query.for} ${query.job}` : 'new';
  useEffect(() => {
    setError(null);
    finished.value = null;
    openDraft(query).catch(setError);
  }, [key, turn]);
  if (!canWrite.value) return html`<${NotAllowed} />`;
  if (finished.value) return html`<${Finished} ...${finished.value} />`;
  if (error) return html`<${Failed} error=${error} retry=${() => again(turn + 1)} />`;
  if (draft.value?.key !== key) return html`<${Skeleton} rows=${6} height=${48} />`;
  const steps = PURPOSES[draft.value.purpose];
  return html`<${Step} step=${steps.includes(step) ? step : steps[0]} steps=${steps} query=${query} />`;
}

function NotAllowed() {
  usePage(t('wizard.new'));
  return html`<div class="head"><h1>${t('wizard.new')}</h1></div><section class="card"><${Empty} title=${t('wizard.read_only')} />
    </section>`;
}

/** The node has taken it, and has something to say. */
function Finished({ id, warning }) {
  const heading = usePage(t('wizard.finished'));
  return html`<div class="head"><h1 ref=${heading}>${t('wizard.finished')}</h1></div><section class="card"><div class="pad stack">
    <p class="note"><${Icon} name="reconnecting" class="warn" /><span>${warning}</span></p>
    <p><a class="button primary" href=${href('jobs', id)}>${t('wizard.to_job')}</a></p></div></section>`;
}

function Step({ step, steps, query }) {
  const value = draft.value;
  const heading = usePage(t(`wizard.ask.${step}`));
  const [tries, setTries] = useState(0);
  const [told, setTold] = useState(null); // {document, faults}: what the API said of the document as it was
  const [showsJson, showJson] = useState(false);
  const { data: schemas, error: unread, retry } = useLoad(() => loadSchemas(), []);
  const ofApi = told?.document === value.document ? told.faults : step === 'check' ? (checkOf(value)?.faults ?? []) : [];
  const faults = [...(tries ? faultsOf(step, value) : []), ...ofApi];
  useEffect(focusWanted, []);
  const Shown = STEPS[step];
  const next = steps[steps.indexOf(step) + 1];
  const before = steps[steps.indexOf(step) - 1];
  const onward = async () => {
    if (step === 'servers') await Promise.all([look('Src'), look('Dest')]);
    setTries((count) => count + 1);
    if (faultsOf(step, draft.value).length) return;
    if (step !== 'start') return go('new', next, '', query);
    await post(setTold, setTries);
  };
  const goTo = (fault) => {
    const other = stepOf(fault.field);
    if (other === step || !steps.includes(other)) return reveal(fieldId(fault.field));
    wanted = fieldId(fault.field);
    go('new', other, '', query);
  };
  return html`<form class="wizard" noValidate
    onSubmit=${(event) => { event.preventDefault(); event.currentTarget.querySelector('.onward button')?.click(); }}>
    <button type="submit" class="hidden" tabindex="-1" aria-hidden="true"></button>
    <${Head} heading=${heading} step=${step} steps=${steps} query=${query} value=${value} />
    <${FaultList} faults=${faults} count=${tries} labelOf=${labelOf} onGo=${goTo} />
    ${unread && unread.status !== 401 && html`<section class="card"><${Failed} error=${unread} retry=${retry} /></section>`}
    <${Shown} schemas=${schemas} faults=${faults} />
    ${showsJson && html`<${Json} />`}
    <${Foot} step=${step} before=${before} next=${next} query=${query} value=${value} showsJson=${showsJson} showJson=${showJson} onward=${onward} /></form>`;
}

/** Begin again, show as JSON, back, on. */
function Foot({ step, before, next, query, value, showsJson, showJson, onward }) {
  const isLast = step === 'start';
  const label = isLast ? t(`wizard.do.${value.purpose}`) : t('wizard.next', { step: t(`wizard.step.${next}`) });
  const back = before ? href('new', before, '', query) : href('jobs', query.job);
  return html`<div class="wizard-foot"><button type="button" class="quiet" onClick=${() => beginAgain(query)}>${t('wizard.again')}</button>
    <span class="grow"></span>
    <button type="button" class="quiet" aria-expanded=${showsJson} onClick=${() => showJson(!showsJson)}>
      ${t(showsJson ? 'wizard.json.hide' : 'wizard.json.show')}</button>
    <a class="button" href=${back}>${t(before ? 'wizard.back' : 'wizard.leave')}</a>
    <span class="onward"><${ActButton} primary label=${label} busy=${t(`wizard.busy.${isLast ? 'start' : 'next'}`)}
      disabled=${step === 'check' && !isPassed(value)} onAct=${onward} /></span></div>`;
}

/** Post the job and go to its page; what the API refuses stands in the list. */
async function post(setTold, setTries) {
  const { document } = draft.value;
  try {
    const { id, warning } = await postJob();
    discard();
    if (warning) finished.value = { id, warning };
    else go('jobs', id);
  } catch (error) {
    if (error.status !== 400 && error.status !== 409) throw error;
    setTold({ document, faults: conflictIn(error, document) ?? faultsIn(error) });
    setTries((count) => count + 1);
  }
}

/** Return what a job in the way is told as: its ID is taken, or it has changed since it was read. */
function conflictIn(error, { ID }) {
  if (error.status !== 409 || !/Enforcing job modify index/.test(error.text)) return null;
  if (/already exists/.test(error.text)) return [{ field: 'ID', problem: t('wizard.id.taken', { id: ID }), remedy: '' }];
  return [{ field: '', problem: t('wizard.changed'), remedy: t('wizard.changed.remedy') }];
}

/** Forget what was said so far, after a question. */
async function beginAgain(query) {
  const sure = await confirm({ title: t('wizard.again'), body: t('wizard.again.body'), act: t('wizard.again'), danger: 'changes' });
  if (!sure) return;
  discard();
  await openDraft(query);
  go('new', PURPOSES[draft.value.purpose][0], '', query);
}

function focusWanted() {
  const id = wanted;
  wanted = '';
  if (id) setTimeout(() => reveal(id));
}

/** Return what a fault's field is called: as its label says, of which end; else the end of its path. */
function labelOf(field) {
  const found = /^Tasks\[(\d+)\]\.Config\.(?:ConnectionConfig\.)?(\w+)(.*)$/.exec(field);
  if (!found) return has(`wizard.${field}`) ? t(`wizard.${field}`) : field === 'typed' ? '' : field;
  const end = draft.value?.document.Tasks[Number(found[1])]?.Type;
  const name = has(`wizard.server.${found[2]}`) ? t(`wizard.server.${found[2]}`) : WORDS[found[2]] ? t(WORDS[found[2]]) : found[2];
  return `${t(end === 'Dest' ? 'wizard.target' : 'wizard.source')}, ${name}${found[3]}`;
}

const WORDS = {
  __proto__: null,
  ReplicateDoDb: 'wizard.step.tables',
  ReplicateIgnoreDb: 'wizard.step.tables',
  ParallelWorkers: 'wizard.workers',
  Gtid: 'wizard.begin.set',
};

function Head({ heading, step, steps, query, value }) {
  const at = steps.indexOf(step);
  const what = value.purpose === 'new' ? t('wizard.new') : t(`wizard.${value.purpose}`);
  return html`<p class="crumb"><a href=${href('jobs')}>${t('wizard.jobs')}</a> / ${value.job && html`<a
    href=${href('jobs', value.job)}>${value.before?.Name || value.job}</a> / `}${what}</p>
    <div class="head"><h1 ref=${heading}>${t(`wizard.ask.${step}`)}</h1></div>
    <ol class="steps" aria-label=${t('wizard.steps')}>${steps.map((each, place) => html`<li key=${each}
      class=${place < at ? 'done' : place === at ? 'now' : ''} aria-current=${place === at ? 'step' : undefined}>
      <b aria-hidden="true">${place < at ? html`<${Icon} name="connected" />` : place + 1}</b>
      ${place < at ? html`<a href=${href('new', each, '', query)}>${t(`wizard.step.${each}`)}<span
        class="hidden"> ${t('wizard.step.done')}</span></a>` : html`<span>${t(`wizard.step.${each}`)}</span>`}</li>`)}</ol>`;
}
