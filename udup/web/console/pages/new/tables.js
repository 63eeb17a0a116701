/** Step 2: which schemas and tables, with their sizes, and what cannot be replicated. */
import { html, useEffect, useState } from '../../core/html.js';
import { Icon } from '../../core/icons.js';
import { bytes, num } from '../../core/formats.js';
import { Failed, Skeleton } from '../../core/page.js';
import { t } from '../../core/words.js';
import { fieldId } from '../../parts/schema.js';
import { choiceOf, withSchema } from './choice.js';
import { configOf, configPath, driverOf, serverOf, withConfig } from './document.js';
import { change, draft, remember } from './draft.js';
import { look, lookAt } from './looks.js';
import { More } from './more.js';
import { SchemaTables } from './schema_tables.js';
import { SoFar } from './so_far.js';

export function Tables({ schemas: models, faults }) {
  const value = draft.value;
  const found = lookAt(value, 'Src');
  const [at, setAt] = useState('');
  useEffect(() => { look('Src'); }, []);
  const listed = found?.answer?.Schemas ?? null;
  const shown = listed?.some(({ Schema }) => Schema === at) ? at : firstOf(value, listed);
  const path = `${configPath(value.document, 'Src')}.ReplicateDoDb`;
  const wrong = faults.filter((each) => each.field === path);
  return html`<div class="choose">
    <section class="card" id=${fieldId(path)} tabindex="-1" aria-labelledby="schemas-title"><header><h2
      id="schemas-title">${t('wizard.schemas')}</h2>
      <span class="faint small wrap">${t('wizard.schemas.of', { server: serverOf(value.document, 'Src') })}</span></header>
      ${wrong.map((each) => html`<p class="error pad" key=${each.problem}>${each.problem}</p>`)}
      <${Listed} found=${found} value=${value} at=${shown} onAt=${setAt} /></section>
    <div class="stack">${shown && html`<${SchemaTables} key=${shown} schema=${shown} value=${value} />`}<${More} schema=${shown}
      value=${value} models=${models} faults=${faults} /></div>
    <${SoFar} value=${value} listed=${listed} /></div>`;
}

function firstOf({ document, ui }, listed) {
  const chosen = listed?.find(({ Schema }) => choiceOf(configOf(document, 'Src'), ui.everything, Schema).on);
  return (chosen ?? listed?.[0])?.Schema ?? '';
}

/** The schemas of the source, or why there is no list. */
function Listed({ found, value, at, onAt }) {
  if (driverOf(value.document, 'Src') !== 'MySQL') return html`<p class="pad soft">${t('wizard.schemas.by_rules')}</p>`;
  if (found?.state === 'failed') return html`<${Failed} error=${found.error} retry=${() => look('Src', { anew: true })} />`;
  if (found?.state !== 'told') return html`<${Skeleton} rows=${5} height=${40} />`;
  const { answer } = found;
  if (!answer.Reachable) return html`<${Failed} error=${new Error(answer.Error)} retry=${() => look('Src', { anew: true })} />`;
  if (!answer.Schemas.length) return html`<p class="pad soft">${t('wizard.schemas.empty')}</p>`;
  return html`<label class="check pad everything"><input type="checkbox" checked=${!!value.ui.everything}
    disabled=${value.purpose === 'add'} onChange=${(event) => takeAll(event.currentTarget.checked)} />
      <span><b>${t('wizard.everything')}</b><br /><span class="soft small">${t('wizard.everything.help')}</span></span></label>
    <ul class="pick">${answer.Schemas.map((each) => html`<${Schema} key=${each.Schema} each=${each} value=${value}
      on=${each.Schema === at} onAt=${onAt} />`)}</ul>`;
}

/** Take every schema, also those that are made later; or none again. */
function takeAll(on) {
  remember({ everything: on, some: {} });
  change(withConfig(draft.value.document, 'Src', { ReplicateDoDb: [], ReplicateIgnoreDb: undefined }));
}

function Schema({ each, value, on, onAt }) {
  const { Schema: name, Tables: tables, Bytes: size } = each;
  const config = configOf(value.document, 'Src');
  const choice = choiceOf(config, value.ui.everything, name);
  const had = value.purpose === 'add' && choiceOf(configOf(value.before, 'Src'), value.ui.everything, name).whole;
  const flip = (event) => {
    const { checked } = event.currentTarget;
    remember({ some: { ...value.ui.some, [name]: false } });
    change(withConfig(draft.value.document, 'Src', withSchema(config, value.ui.everything, name, checked)));
    onAt(name);
  };
  const warnings = each.Warnings ?? [];
  return html`<li class=${on ? 'on' : ''}><input type="checkbox" checked=${choice.on} disabled=${had || choice.byRule}
    aria-label=${t('wizard.schema.take', { schema: name })} onChange=${flip} />
    <button type="button" class="plain" aria-current=${on ? 'true' : undefined} onClick=${() => onAt(name)}><span
      class="clip">${name}</span>
      ${warnings.length > 0 && html`<span class="warn" title=${warnings.join('\n')}><${Icon} name="reconnecting" /><span
        class="hidden">${t('wizard.warnings', { n: warnings.length })}</span></span>`}
      <span class="faint small nowrap">${num(tables)} · ${bytes(size)}</span></button></li>`;
}
