/** Step 5: a name, what the job will do in words, and Start. */
import { html, useEffect } from '../../core/html.js';
import { raw } from '../../core/api.js';
import { bytes, num } from '../../core/formats.js';
import { t } from '../../core/words.js';
import { Entry } from '../../parts/form_entry.js';
import { choiceOf } from './choice.js';
import { changed, configOf, delivers, idFrom, postOf, serverOf, taskOf } from './document.js';
import { change, draft } from './draft.js';
import { lookAt } from './looks.js';
import { sumOf } from './so_far.js';

/** Post the job. @returns {Promise<{id: string, warning: string}>} */
export async function postJob() {
  const { document, index } = draft.value;
  const answer = await raw('jobs', { method: 'POST', body: postOf(document, index) });
  const { Warning = '' } = await answer.json();
  return { id: document.ID, warning: Warning };
}

export function Start({ faults }) {
  const value = draft.value;
  const { document, job } = value;
  const fresh = !job;
  useEffect(() => { if (fresh && !document.Name) name(suggested(value)); }, []);
  const name = (text) => change(changed(draft.value.document, { Name: text, ...(fresh && !draft.value.ui.named && { ID: idFrom(text) }) }));
  const put = (key, next) => {
    if (key === 'Name') return name(next);
    draft.value = { ...draft.value, ui: { ...draft.value.ui, named: true } };
    return change(changed(draft.value.document, { ID: next }));
  };
  const entry = (key, help, disabled = false) => html`<${Entry} context=${{ errors: faults, disabled }}
    schema=${{ type: 'string' }} kind="text" name=${t(`wizard.${key}`)} path=${key} needed=${true}
    value=${document[key]} help=${help} onChange=${(next) => put(key, next)} />`;
  return html`<div class="start-columns"><section class="card"><div class="pad stack">${entry('Name', t('wizard.Name.help'))}
      ${entry('ID', t(fresh ? 'wizard.ID.help' : 'wizard.ID.fixed'), !fresh)}</div></section>
    <section class="card" aria-labelledby="summary-title"><header><h2 id="summary-title">${t('wizard.summary')}</h2></header><div
      class="pad stack"><${Summary} value=${value} /></div></section></div>`;
}

/** Return a name for the job: the first schema that it takes, else where it reads. */
function suggested({ document }) {
  const first = configOf(document, 'Src').ReplicateDoDb?.[0]?.TableSchema;
  return first || (configOf(document, 'Src').ConnectionConfig?.Host ?? '');
}

function Summary({ value }) {
  const { document } = value;
  return html`<ul class="sentences">${sentences(value, document).map((text) => html`<li key=${text}>${text}</li>`)}</ul>`;
}

function sentences(value, document) {
  const source = configOf(document, 'Src');
  const target = configOf(document, 'Dest');
  const listed = lookAt(value, 'Src')?.answer?.Schemas;
  const sum = sumOf(value, listed);
  const servers = { source: serverOf(document, 'Src'), target: serverOf(document, 'Dest') || t('wizard.own_nats') };
  const names = (source.ReplicateDoDb ?? []).map((each) => each.TableSchema || `/${each.TableSchemaRegex}/`);
  const whole = value.ui.everything || choiceOf(source, false, names[0] ?? '').whole;
  const driver = taskOf(document, 'Dest').Driver;
  const named = { n: names.length, names: [...new Set(names)].slice(0, 6).join(', ') };
  const what = value.ui.everything ? t('wizard.say.everything') : t(whole ? 'wizard.say.schemas' : 'wizard.say.tables', named);
  const kind = delivers(document) ? 'events' : document.Type === 'migration' ? (document.EndWhen === 'finished' ? 'told' : 'level') : 'follow';
  return [
    value.purpose === 'add' ? t('wizard.say.add') : value.purpose === 'update' ? t('wizard.say.update') : '',
    t(delivers(document) ? 'wizard.say.deliver' : 'wizard.say.from_to', { ...servers, sink: driver, prefix: target.Prefix }),
    what,
    sum.tables ? t('wizard.say.size', { n: sum.tables, tables: num(sum.tables), bytes: bytes(sum.bytes) }) : '',
    source.Gtid || source.AutoGtid || source.GtidStart || source.BinlogFile ? t('wizard.say.no_copy') : '',
    t(`wizard.say.${kind}`),
    target.DropTableIfExists ? t('wizard.say.drop', servers) : '',
    document.Verify?.Mode && document.Verify.Mode !== 'off' ? t(`wizard.say.${document.Verify.Mode}`) : '',
  ].filter(Boolean);
}
