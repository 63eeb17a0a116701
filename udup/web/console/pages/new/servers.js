/** Step 1: both servers, tested as typed, and what their accounts must be granted. */
import { html, useEffect } from '../../core/html.js';
import { signedOut } from '../../core/session.js';
import { t } from '../../core/words.js';
import { Form } from '../../parts/form.js';
import { fieldId } from '../../parts/schema.js';
import { Look, ServerFields } from '../../parts/servers.js';
import { configOf, configPath, driverOf, withConfig, withTask } from './document.js';
import { change, changeTarget, draft, lacksPasswords, remember } from './draft.js';
import { Grants } from './grants.js';
import { keyOf, look, lookAt } from './looks.js';

/** How long the typing must rest before a server is asked. */
const REST_MS = 600;

const TARGETS = ['MySQL', 'NATS', 'Kafka'];
const SINK = { __proto__: null, NATS: ['NatsDest', 'NatsConfig'], Kafka: ['KafkaDest', 'KafkaConfig'] };

export function Servers({ schemas, faults }) {
  const value = draft.value;
  return html`${value.lost && lacksPasswords(value) && html`<p class="note lost">${t('wizard.lost')}</p>`}
    <div class="ends-columns"><${End} end="Src" value=${value} schemas=${schemas} faults=${faults} /><${End} end="Dest"
      value=${value} schemas=${schemas} faults=${faults} /></div>`;
}

function End({ end, value, schemas, faults }) {
  const driver = driverOf(value.document, end);
  const title = t(end === 'Src' ? 'wizard.source' : 'wizard.target');
  return html`<section class="card" aria-labelledby=${`end-${end}`}><header><h2 id=${`end-${end}`}>${title}</h2></header><div
    class="pad stack">
    ${end === 'Dest' ? html`<${Driver} driver=${driver} fixed=${!!value.job} />` : html`<p
      class="soft small">${t('wizard.source.help')}</p>`}
    ${driver in SINK ? html`<${Sink} driver=${driver} value=${value} schemas=${schemas} faults=${faults} />`
      : driver === 'MySQL' ? html`<${Server} end=${end} value=${value} faults=${faults} />`
      : html`<${Other} end=${end} value=${value} schemas=${schemas} faults=${faults} />`}
    ${driver === 'MySQL' && html`<${Grants} end=${end} />`}</div></section>`;
}

/** What the target is; of a job that is there it stays. */
function Driver({ driver, fixed }) {
  const id = fieldId('target-driver');
  return html`<div class="field"><label for=${id}>${t('wizard.target.kind')}</label>
    <select id=${id} value=${driver} disabled=${fixed} onChange=${(event) => changeTarget(event.currentTarget.value)}>
      ${TARGETS.map((each) => html`<option key=${each} value=${each}>${t(`wizard.target.${each}`)}</option>`)}</select>
    <p class="help">${t(`wizard.target.${driver}.help`)}</p></div>`;
}

/** A MySQL server: its fields, and how it was found as they are typed. */
function Server({ end, value, faults }) {
  const path = `${configPath(value.document, end)}.ConnectionConfig`;
  const config = configOf(value.document, end).ConnectionConfig;
  const key = keyOf(value, end);
  const out = signedOut.value;
  useEffect(() => {
    if (out) return undefined;
    return afterTyping(`${path}.Password`, () => look(end));
  }, [key, out]);
  const found = lookAt(value, end);
  const put = (next) => {
    change(withConfig(draft.value.document, end, { ConnectionConfig: next }));
    if (draft.value.ui.untested?.[end]) remember({ untested: { ...draft.value.ui.untested, [end]: false } });
  };
  return html`<${ServerFields} value=${config} path=${path} errors=${faults} onChange=${put} />
    <${Look} look=${found} end=${end} onRetry=${() => look(end, { anew: true })} />
    ${isUnreachable(found) && html`<${Untested} end=${end} value=${value} />`}`;
}

/**
 * Call `ask` when the typing has rested; while a password is typed, when its field is left: half of it would count as a
 * failed login, and some accounts are locked after a few. Returns what calls it off.
 */
function afterTyping(path, ask) {
  const field = document.getElementById(fieldId(path));
  const timer = setTimeout(() => {
    if (field && field === document.activeElement) field.addEventListener('blur', ask, { once: true });
    else ask();
  }, REST_MS);
  return () => {
    clearTimeout(timer);
    field?.removeEventListener('blur', ask);
  };
}

const isUnreachable = (found) => found?.state === 'failed' || (found?.state === 'told' && !found.answer.Reachable);

/** Going on without a test: the job's node may reach what this one does not. */
function Untested({ end, value }) {
  const on = !!value.ui.untested?.[end];
  return html`<label class="check"><input type="checkbox" checked=${on}
    onChange=${(event) => remember({ untested: { ...value.ui.untested, [end]: event.currentTarget.checked } })} />
      <span>${t('wizard.untested')}</span></label>`;
}

function Sink({ driver, value, schemas, faults }) {
  const [model, own] = SINK[driver];
  return html`<${Form} key=${driver} schema=${{ name: model, schemas }} value=${configOf(value.document, 'Dest')} errors=${faults}
    path=${configPath(value.document, 'Dest')} only=${['Prefix', own]} without=${['Snapshot', 'Format', 'Values', 'Options']}
    onChange=${(next) => change(withTask(draft.value.document, 'Dest', { Config: next }))} />`;
}

/** An end of a driver that only the document knows. */
function Other({ end, value, schemas, faults }) {
  return html`<${Form} schema=${{ name: 'Config', schemas }} value=${configOf(value.document, end)} errors=${faults} end=${end}
    path=${configPath(value.document, end)} only=${['ConnectionConfig', 'OracleConfig']} onChange=${(next) => change(withTask(draft.value.document, end, { Config: next }))} />`;
}
