/** One field of the form: text, number, secret, choice or tick, with its help and its faults beside it. */
import { html, useEffect, useState } from '../core/html.js';
import { lang, t } from '../core/words.js';
import { faultsAt, fieldId, MASK } from './schema.js';

const REFERENCE = /^(env|file):/;

/** Return a function that gives a key's help in the page's language; the API's own where there is no other. */
export function useHelp() {
  const [words, setWords] = useState(null);
  const language = lang.value;
  useEffect(() => {
    if (language === 'zh') import('../words/zh/help.js').then((found) => setWords(found.default));
  }, [language]);
  return (model, key, text) => (language === 'zh' && (words?.[`${model}.${key}`] ?? words?.[key])) || text;
}

/** Return the IDs that describe a field: its help, and its faults while it has some. */
export function describedBy(path, help, errors) {
  const own = faultsAt(errors, path).length ? `${fieldId(path)}-error` : '';
  return [help ? `${fieldId(path)}-help` : '', own].filter(Boolean).join(' ') || undefined;
}

/** What is wrong with a field, and what to do. */
export function FieldErrors({ errors, path }) {
  const own = faultsAt(errors, path);
  if (!own.length) return null;
  return html`<div class="field-faults" id=${`${fieldId(path)}-error`}>${own.map((each, place) => html`<p
    key=${place}>${each.problem}${each.remedy && html`<span class="field-remedy">${each.remedy}</span>`}</p>`)}</div>`;
}

/** Label, field, help, faults, in this order. */
export function Labelled({ context, name, path, help, needed, children }) {
  return html`<div class="field">
    <label for=${fieldId(path)}>${name}${needed && html`<span class="form-needed">${t('form.needed')}</span>`}</label>
    ${children}
    ${help && html`<p class="help" id=${`${fieldId(path)}-help`}>${help}</p>`}
    <${FieldErrors} errors=${context.errors} path=${path} /></div>`;
}

export function Entry(props) {
  const { context, schema, kind, path, help, value } = props;
  const bad = faultsAt(context.errors, path).length > 0;
  const common = {
    id: fieldId(path),
    name: path,
    disabled: context.disabled,
    'aria-invalid': bad ? 'true' : undefined,
    'aria-describedby': describedBy(path, help, context.errors),
  };
  if (kind === 'flag') return html`<${Flag} ...${props} common=${common} />`;
  if (kind === 'word') return html`<${Labelled} ...${props}><${Word} ...${props} common=${common} /><//>`;
  if (kind === 'secret') return html`<${Labelled} ...${props}><${Secret} ...${props} common=${common} /><//>`;
  const number = kind === 'number';
  return html`<${Labelled} ...${props}><input ...${common} type="text" autocomplete="off" spellcheck=${false}
    inputmode=${number && schema.type === 'integer' ? 'numeric' : undefined}
    class=${number ? 'short' : undefined} placeholder=${schema.default === undefined ? undefined : String(schema.default ?? '')}
    value=${value ?? ''} onInput=${(event) => props.onChange(read(event.currentTarget.value, number, props.needed))} /><//>`;
}

/** Return what a text stands for: nothing where the default holds, a number where it is one, else what was typed. */
function read(text, number, needed) {
  if (text === '') return needed ? '' : undefined;
  return number && /^\d{1,15}$/.test(text.trim()) ? Number(text) : text;
}

function Flag({ context, schema, name, path, value, help, onChange, common }) {
  return html`<div class="field form-flag"><label><input ...${common} type="checkbox" checked=${value ?? schema.default ?? false}
      onChange=${(event) => onChange(event.currentTarget.checked)} /><span>${name}</span></label>
    ${help && html`<p class="help" id=${`${fieldId(path)}-help`}>${help}</p>`}
    <${FieldErrors} errors=${context.errors} path=${path} /></div>`;
}

function Word({ schema, value, needed, onChange, common }) {
  const words = schema.enum ?? [schema.const];
  const known = value === undefined || value === null || words.includes(value) ? words : [value, ...words];
  const byDefault = schema.default ? t('form.default', { value: schema.default }) : t('form.absent');
  return html`<select ...${common} value=${value ?? ''} onChange=${(event) => onChange(event.currentTarget.value || undefined)}>
    ${!needed && html`<option value="">${byDefault}</option>`}
    ${known.filter((word) => word !== '').map((word) => html`<option key=${word} value=${word}>${word}</option>`)}</select>`;
}

/** A password: hidden while it is typed, shown while it is a reference; the stored one stays until another is typed. */
function Secret({ value, onChange, common }) {
  const [stored] = useState(value === MASK);
  const kept = value === MASK;
  return html`<input ...${common} type=${REFERENCE.test(value ?? '') ? 'text' : 'password'} autocomplete="new-password"
    spellcheck=${false}
    placeholder=${stored ? t('form.stored') : ''} value=${kept ? '' : (value ?? '')}
    onInput=${(event) => onChange(event.currentTarget.value || (stored ? MASK : undefined))} />`;
}
