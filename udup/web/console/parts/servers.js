/** A server and the account there, as typed: its fields, and how the node found it. */
import { html } from '../core/html.js';
import { Icon } from '../core/icons.js';
import { dur } from '../core/formats.js';
import { t } from '../core/words.js';
import { Entry, Labelled } from './form_entry.js';
import { fieldId, touches } from './schema.js';

const MODES = ['', 'DISABLED', 'PREFERRED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'];
const CERTIFICATES = ['SslCa', 'SslCert', 'SslKey'];

/** `value`: a ConnectionConfig; `path`: where it stands in the document; `onChange(value)`. */
export function ServerFields({ value, path, errors, onChange }) {
  const context = { errors, disabled: false };
  const put = (key, next) => {
    const { [key]: _old, ...others } = value;
    onChange(next === undefined || next === '' && !NEEDED.includes(key) ? others : { ...value, [key]: next });
  };
  const entry = (key, kind, more = {}) => html`<${Entry} key=${key} context=${context}
    schema=${{ type: kind === 'number' ? 'integer' : 'string' }} kind=${kind}
    name=${t(`wizard.server.${key}`)} path=${`${path}.${key}`} value=${value[key]} needed=${NEEDED.includes(key)} help=${more.help ?? ''} onChange=${(next) => put(key, next)} />`;
  return html`<div class="server-fields">
    <div class="server-place">${entry('Host', 'text')}${entry('Port', 'number')}</div>
    ${entry('User', 'text')}
    ${entry('Password', 'secret', { help: t('wizard.server.Password.help') })}
    <${Labelled} context=${context} name=${t('wizard.server.SslMode')} path=${`${path}.SslMode`}
      help=${t(`wizard.tls.${value.SslMode || 'auto'}`)}>
      <select id=${fieldId(`${path}.SslMode`)} aria-describedby=${`${fieldId(`${path}.SslMode`)}-help`}
        value=${value.SslMode ?? ''} onChange=${(event) => put('SslMode', event.currentTarget.value)}>
        ${MODES.map((mode) => html`<option key=${mode} value=${mode}>${mode || t('wizard.tls.none')}</option>`)}</select><//>
    <details class="form-more" open=${CERTIFICATES.some((key) => value[key] || touches(errors, `${path}.${key}`))}>
      <summary>${t('wizard.certificates')}</summary>${CERTIFICATES.map((key) => entry(key, 'text', { help: t(`wizard.server.${key}.help`) }))}</details></div>`;
}

const NEEDED = ['Host', 'Port', 'User'];

/** How a server was found: a line that a screen reader hears when it changes. `look`: of pages/new/looks.js. */
export function Look({ look, end, onRetry }) {
  return html`<div class="look" role="status" aria-live="polite">${told(look, end)}
    ${look && look.state !== 'asking' && html`<button type="button" class="quiet small"
      onClick=${onRetry}>${t('wizard.look.again')}</button>`}</div>`;
}

function told(look, end) {
  if (!look) return html`<p class="soft small">${t('wizard.look.not_yet')}</p>`;
  if (look.state === 'asking') return html`<p class="note"><${Icon} name="pending" class="idle" />
    <span>${t('wizard.look.asking')}</span></p>`;
  if (look.state === 'failed') return html`<${Bad} text=${look.error.text} />`;
  const { Reachable, Error: error, Remedy, Milliseconds, Server } = look.answer;
  if (!Reachable || !Server) return html`<${Bad} text=${error} remedy=${Remedy} />`;
  return html`<p class="note"><${Icon} name="running" class="ok" />
    <span>${t('wizard.look.connected', { t: dur(Milliseconds / 1000) })}</span></p>
    <ul class="look-facts">${factsOf(Server, end).map((fact) => html`<li key=${fact}>${fact}</li>`)}</ul>
    ${warningsOf(Server, end).map((text) => html`<p class="note" key=${text}><${Icon} name="reconnecting" class="warn" />
      <span>${text}</span></p>`)}`;
}

const Bad = ({ text, remedy = '' }) => html`<p class="note"><${Icon} name="failed" class="bad" />
  <span>${text}${remedy && html`<span class="field-remedy">${remedy}</span>`}</span></p>`;

/** Return what a server is, in short. */
export function factsOf(server, end) {
  return [
    `${server.Family} ${server.Version}`,
    server.Tls ? server.TlsVersion || 'TLS' : t('wizard.look.plain'),
    t(server.ReadOnly ? 'wizard.look.read_only' : 'wizard.look.writable'),
    end === 'Src' && server.GtidMode && `GTID ${server.GtidMode}`,
    end === 'Src' && server.BinlogKeptS ? t('wizard.look.log_kept', { t: dur(server.BinlogKeptS) }) : '',
    server.User,
  ].filter(Boolean);
}

/** A clock that is off by more than this makes times of both servers hard to compare. */
const CLOCK_MS = 2000;

function warningsOf(server, end) {
  const offset = server.ClockOffsetMs ?? 0;
  return [
    end === 'Dest' && server.ReadOnly && t('wizard.look.target_read_only'),
    Math.abs(offset) > CLOCK_MS && t(offset > 0 ? 'wizard.look.ahead' : 'wizard.look.behind', { t: dur(Math.abs(offset) / 1000) }),
  ].filter(Boolean);
}
