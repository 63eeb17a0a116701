/**
 * The document of a job: a form with the API's help, and JSON beside it; each edits the other. What is being written is
 * kept while the page is open, whatever tab is looked at and whether or not a token ends meanwhile.
 */
import { html, signal, useState } from '../../core/html.js';
import { send } from '../../core/api.js';
import { Failed, Skeleton, useLoad } from '../../core/page.js';
import { canWrite } from '../../core/session.js';
import { t } from '../../core/words.js';
import { ActButton } from '../../parts/button.js';
import { confirm } from '../../parts/dialog.js';
import { FaultList } from '../../parts/faults.js';
import { Form } from '../../parts/form.js';
import { documentOf, loadSchemas } from '../../parts/schema.js';
import { command } from './acts.js';
import { Checks } from './checks.js';
import { History } from './history.js';

/** ID of a job → {base, index, value, text}: what is being written, and the document, with its JobModifyIndex, that it was made of. */
const drafts = signal(new Map());

const textOf = value => JSON.stringify(value, null, 2);

function setDraft(id, draft) {
  const next = new Map(drafts.value);
  if (draft) next.set(id, draft);
  else next.delete(id);
  drafts.value = next;
}

export default function Document({ job, reload }) {
  const { data: schemas, error, loading, retry } = useLoad(loadSchemas, []);
  if (error && !schemas) return html`<section class="card"><${Failed} error=${error} retry=${retry} /></section>`;
  if (!schemas) return html`<section class="card pad">${loading && html`<${Skeleton} rows=${10} />`}</section>`;
  return html`<div class="stack"><${Writing} job=${job} schemas=${schemas} reload=${reload} /><${History} job=${job} reload=${reload} /></div>`;
}

function Writing({ job, schemas, reload }) {
  const present = documentOf(job, schemas), draft = drafts.value.get(job.ID);
  const value = draft?.value ?? present, text = draft?.text ?? textOf(present);
  const [faults, setFaults] = useState([]), [tries, setTries] = useState(0);
  const [wrongJson, setWrongJson] = useState(''), [checks, setChecks] = useState(null), [told, setTold] = useState('');
  const isOld = Boolean(draft) && draft.index !== job.JobModifyIndex && draft.base !== textOf(present);
  const { index, base } = isOld ? draft : { index: job.JobModifyIndex, base: textOf(present) };
  const write = (next, nextText) => {
    setDraft(job.ID, { index, base, value: next, text: nextText });
    setTold('');
  };
  const typed = e => {
    const given = e.currentTarget.value;
    const { found, problem } = parsed(given);
    setWrongJson(problem);
    write(problem ? value : found, given);
  };
  const drop = () => {
    setDraft(job.ID, null);
    setFaults([]);
    setWrongJson('');
    setChecks(null);
  };
  const asked = act => async () => {
    setFaults([]);
    setChecks(null);
    setTold('');
    try {
      return await act();
    } catch (error) {
      if (!error.details?.length) throw error;
      setFaults(error.details);
      setTries(tries + 1);
      return undefined;
    }
  };
  const check = asked(async () => setChecks(await send('POST', 'validate/job', value)));
  const apply = asked(async () => {
    if (!(await confirm(applyQuestion(job)))) return;
    const answer = await send('POST', 'jobs', { ...value, EnforceIndex: true, JobModifyIndex: index });
    drop();
    setTold(answer?.Warning || t('document.applied'));
    reload();
  });
  const locked = !canWrite.value;
  return html`<section class="card document" aria-labelledby="document"><header><h2 id="document">${t('document.title')}</h2>
      <span class="grow"></span>${draft && html`<span class="tag">${t('document.changed')}</span>`}</header>
    <div class="pad stack">
      <${FaultList} faults=${faults} count=${tries} title=${faults.length ? t('document.refused', { n: faults.length }) : ''} />
      ${isOld && html`<p class="notice warn" role="status">${t('document.changed_meanwhile')} <button type="button" onClick=${drop}>${t('document.load_present')}</button></p>`}
      <p class="soft">${t('document.secrets')}</p>
      <div class="document-halves">
        <div><h3>${t('document.form')}</h3><${Form} schema=${{ name: 'JobSpec', schemas }} value=${value} errors=${faults} disabled=${locked || Boolean(wrongJson)} onChange=${next => write(next, textOf(next))} /></div>
        <${Json} text=${text} wrong=${wrongJson} locked=${locked} onInput=${typed} />
      </div>
      ${checks && html`<${Checks} found=${checks} />`}
      ${canWrite.value && html`<div class="do-row"><${ActButton} label=${t('document.check')} busy=${t('document.checking')} disabled=${Boolean(wrongJson)} onAct=${check} />
        <${ActButton} label=${`${t('document.apply')}…`} busy=${t('document.applying')} primary disabled=${Boolean(wrongJson) || !draft} onAct=${apply} />
        ${draft && html`<button type="button" onClick=${drop}>${t('document.drop')}</button>`}</div>`}
      <p role="status">${told}</p>
    </div></section>`;
}

function Json({ text, wrong, locked, onInput }) {
  return html`<div class="json"><h3><label for="document-json">${t('document.json')}</label></h3>
    <textarea id="document-json" spellcheck="false" autocomplete="off" readonly=${locked} value=${text} aria-invalid=${wrong ? 'true' : undefined}
      aria-describedby=${wrong ? 'document-json-error' : undefined} onInput=${onInput}></textarea>
    ${wrong && html`<p class="bad small" id="document-json-error">${t('document.wrong_json')} <span lang="en">${wrong}</span></p>`}</div>`;
}

function parsed(text) {
  try {
    const found = JSON.parse(text);
    if (found === null || typeof found !== 'object' || Array.isArray(found)) return { problem: t('document.no_object') };
    return { found: { ...found, Tasks: Array.isArray(found.Tasks) ? found.Tasks : [] }, problem: '' };
  } catch (error) {
    return { problem: error.message };
  }
}

const applyQuestion = job => ({
  title: t('document.apply_title', { name: job.Name }), danger: 'changes', act: t('document.apply'), body: [t('document.run_begins_again'), t('document.apply_body')],
  command: command('job', 'run', `${job.ID}.json`),
});
