/** Lists of the form: words to tick, a line each, and pairs of a name and a value. */
import { html, useState } from '../core/html.js';
import { t } from '../core/words.js';
import { describedBy, FieldErrors, Labelled } from './form_entry.js';
import { faultsAt, fieldId, join, listKind, resolve } from './schema.js';

export function List(props) {
  return listKind(props.schema, props.context.schemas) === 'words' ? html`<${Words} ...${props} />` : html`<${Lines} ...${props} />`;
}

/** Which of some words hold. */
function Words({ context, schema, name, path, value, help, onChange }) {
  const all = resolve(schema.items, context.schemas).enum;
  const chosen = Array.isArray(value) ? value : [];
  const flip = (word, on) => {
    const next = all.filter((each) => (each === word ? on : chosen.includes(each)));
    onChange(next.length ? next : undefined);
  };
  return html`<fieldset class="form-group" id=${fieldId(path)} tabindex="-1"><legend>${name}</legend><p class="help">${help}</p>
    <${FieldErrors} errors=${context.errors} path=${path} />
    <div class="form-words">${all.map((word) => html`<label key=${word}><input type="checkbox" disabled=${context.disabled}
      checked=${chosen.includes(word)}
      onChange=${(event) => flip(word, event.currentTarget.checked)} /><code>${word}</code></label>`)}</div></fieldset>`;
}

/** Texts, one a line; the text itself is kept while it is edited, so that an empty line does not vanish under the cursor. */
function Lines(props) {
  const { context, path, value, help, onChange } = props;
  const list = Array.isArray(value) ? value : value ? [value] : [];
  const [text, setText] = useState(list.join('\n'));
  const own = split(text).join('\n') === list.join('\n') ? text : list.join('\n');
  const entries = context.errors.filter((each) => each.field?.startsWith(`${path}[`));
  const change = (event) => {
    setText(event.currentTarget.value);
    const next = split(event.currentTarget.value);
    onChange(next.length ? next : undefined);
  };
  return html`<${Labelled} ...${props} help=${`${help} ${t('form.lines')}`}><textarea id=${fieldId(path)}
    rows=${Math.min(8, Math.max(2, list.length + 1))}
      spellcheck=${false} disabled=${context.disabled} aria-invalid=${faultsAt(context.errors, path).length || entries.length ? 'true' : undefined}
      aria-describedby=${describedBy(path, help, context.errors)} value=${own} onInput=${change}></textarea>
    ${entries.map((each) => html`<${FieldErrors} key=${each.field} errors=${context.errors} path=${each.field} />`)}<//>`;
}

const split = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean);

const toldBy = (rows) => Object.fromEntries(rows.filter(([key]) => key));

/** Names with values, such as Debezium's options. */
export function Pairs({ context, name, path, value, help, onChange }) {
  const [typed, setRows] = useState(() => Object.entries(value ?? {}));
  // Rows without a name are in no document yet; what was changed elsewhere counts more than what was typed here.
  const rows = JSON.stringify(toldBy(typed)) === JSON.stringify(value ?? {}) ? typed : Object.entries(value ?? {});
  const change = (next) => {
    setRows(next);
    const told = toldBy(next);
    onChange(Object.keys(told).length ? told : undefined);
  };
  const put = (place, row) => change(rows.map((each, index) => (index === place ? row : each)));
  const label = (key, place) => key || `${name} ${place + 1}`;
  return html`<fieldset class="form-group" id=${fieldId(path)} tabindex="-1"><legend>${name}</legend><p class="help">${help}</p>
    <${FieldErrors} errors=${context.errors} path=${path} />
    ${rows.map(([key, own], place) => html`<div class="form-pair" key=${place}>
      <input type="text" aria-label=${t('form.pair.name', { place: place + 1 })} spellcheck=${false} disabled=${context.disabled}
        value=${key}
        onInput=${(event) => put(place, [event.currentTarget.value, own])} />
      <input type="text" id=${fieldId(join(path, key))} aria-label=${t('form.pair.value', { of: label(key, place) })}
        spellcheck=${false} disabled=${context.disabled}
        value=${own === null ? '' : String(own)} onInput=${(event) => put(place, [key, event.currentTarget.value])} />
      <button type="button" class="quiet" disabled=${context.disabled}
        onClick=${() => change(rows.filter((_row, index) => index !== place))}>
        ${t('form.remove', { what: label(key, place) })}</button>
      <${FieldErrors} errors=${context.errors} path=${join(path, key)} /></div>`)}
    <button type="button" class="quiet" disabled=${context.disabled}
      onClick=${() => setRows([...rows, ['', '']])}>${t('form.add', { what: name })}</button></fieldset>`;
}
