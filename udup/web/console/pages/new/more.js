/** What is seldom needed of a choice: another name, regular expressions, rows and columns, what is left out. */
import { html, useState } from '../../core/html.js';
import { t } from '../../core/words.js';
import { Form } from '../../parts/form.js';
import { fieldId, touches } from '../../parts/schema.js';
import { choiceOf, withSchemaName } from './choice.js';
import { changed, configOf, configPath, withConfig, withTask } from './document.js';
import { change, draft } from './draft.js';

const RULES = ['ReplicateDoDb', 'ReplicateIgnoreDb'];

export function More({ schema, value, models, faults }) {
  const path = configPath(value.document, 'Src');
  const wrong = RULES.some((key) => touches(faults.filter((each) => each.field !== `${path}.${key}`), `${path}.${key}`));
  const [isOpen, setOpen] = useState(false);
  const config = configOf(value.document, 'Src');
  const choice = schema && choiceOf(config, value.ui.everything, schema);
  return html`<section class="card"><details class="pad form-more" open=${isOpen || wrong}
    onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>${t('wizard.more')}</summary>
    ${(isOpen || wrong) && html`<div class="stack">
      ${choice?.on && !value.ui.everything && html`<${Rename} schema=${schema} config=${config} rename=${choice.rename} />`}
      <p class="help">${t('wizard.rules.help')}</p>
      ${models && html`<${Form} schema=${{ name: 'Config', schemas: models }} value=${config} path=${path} end="Src"
        errors=${faults} only=${RULES}
        without=${Object.keys(models.Config.properties).filter((key) => !RULES.includes(key))}
          onChange=${put} />`}</div>`}</details></section>`;
}

function put(next) {
  const left = next.ReplicateIgnoreDb?.length ? next.ReplicateIgnoreDb : undefined;
  change(withTask(draft.value.document, 'Src', { Config: changed(next, { ReplicateDoDb: next.ReplicateDoDb ?? [], ReplicateIgnoreDb: left }) }));
}

function Rename({ schema, config, rename }) {
  const id = fieldId(`rename ${schema}`);
  return html`<div class="field"><label for=${id}>${t('wizard.rename', { schema })}</label>
    <input id=${id} type="text" spellcheck=${false} autocomplete="off" placeholder=${schema} value=${rename}
      onInput=${(event) => change(withConfig(draft.value.document, 'Src', withSchemaName(config, schema, event.currentTarget.value.trim())))} />
    <p class="help">${t('wizard.rename.help')}</p></div>`;
}
