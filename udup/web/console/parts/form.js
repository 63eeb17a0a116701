/**
 * A form made from the API's description of a job's document, with that description's help.
 *
 * `<Form schema=${{ name: 'JobSpec', schemas }} value=${document} errors=${faults} onChange=${(document) => …} />`.
 * Keys that a document must have, that it has, or that a fault names are shown; the others wait under "More settings".
 * Keys that the description does not know stay in the document and are listed.
 */
import { html, useState } from '../core/html.js';
import { Skeleton } from '../core/page.js';
import { t } from '../core/words.js';
import { Entry, FieldErrors, useHelp } from './form_entry.js';
import { List, Pairs } from './form_lists.js';
import { emptyOf, endOf, fieldId, helpOf, join, kindOf, listKind, resolve, touches, variantOf } from './schema.js';

/**
 * `path` and `end`: where in the document the value stands, and of which end it is. `only`: the keys to show before the
 * others, 'all' for all of them; `without`: those that stand elsewhere on the page.
 */
export function Form({ schema, value, errors = [], onChange, path = '', end = '', only = null, without = [], disabled = false }) {
  const help = useHelp();
  if (!schema.schemas) return html`<${Skeleton} rows=${3} height=${56} />`; // the description is still on its way
  const context = { schemas: schema.schemas, errors, help, disabled };
  const root = { $ref: `#/components/schemas/${schema.name}` };
  return html`<div class="form"><${Keys} context=${context} schema=${root} value=${value} path=${path} end=${end} only=${only}
    without=${without} onChange=${onChange} /></div>`;
}

/** The keys of an object: shown ones, those that wait, those that nobody knows. */
function Keys({ context, schema, value, path, end = '', only = null, without = [], onChange }) {
  const { schemas, errors } = context;
  const found = resolve(schema, schemas);
  const model = found.oneOf ? variantOf(found, value, schemas) : found;
  const known = Object.keys(model.properties ?? {});
  const keys = known.filter((key) => !without.includes(key));
  const told = value && typeof value === 'object' && !Array.isArray(value) ? value : {};
  const needed = new Set(model.required ?? []);
  const first = Array.isArray(only) ? only : [];
  // A field stays where it is while it is filled in or emptied: those that were shown, those that were filled in below "More".
  const [{ seen, folded }] = useState(() => ({ seen: new Set(), folded: new Set() }));
  const here = endOf({ description: `${told.Type}: ` }) || end;
  const isShown = (key) => needed.has(key) || first.includes(key) || seen.has(key) || (key in told && !folded.has(key)) || touches(errors, join(path, key));
  const fitting = keys.filter((key) => isShown(key) || isOfEnd(model.properties[key], here));
  const shown = only === 'all' ? [...fitting] : fitting.filter(isShown);
  const rest = fitting.filter((key) => !shown.includes(key));
  for (const key of shown) seen.add(key);
  const weight = weightOf(model, first, schemas);
  for (const each of [shown, rest]) each.sort((a, b) => weight(a) - weight(b));
  const unknown = Object.keys(told).filter((key) => !known.includes(key));
  const put = (key, next) => {
    if (rest.includes(key)) folded.add(key);
    onChange(withKey(told, key, next));
  };
  const one = (key) => html`<${Key} key=${key} context=${context} schema=${model.properties[key]} model=${model.name}
    name=${key} path=${join(path, key)} value=${told[key]} needed=${needed.has(key)} end=${here}
    onChange=${(next) => put(key, next)} />`;
  return html`${shown.map(one)}
    <${More} count=${rest.length} label=${path}>${() => rest.map(one)}<//>
    ${unknown.length > 0 && html`<div class="form-unknown"><p>${t('form.unknown', { n: unknown.length })}</p>
      <dl>${unknown.map((key) => html`<div key=${key}><dt><code>${key}</code></dt><dd><code>${JSON.stringify(told[key])}</code>
        </dd></div>`)}</dl></div>`}`;
}

/** Return what orders the keys: those asked for first, then what is needed, other fields, and groups of fields. */
function weightOf(model, first, schemas) {
  const isGroup = (key) => {
    const found = resolve(model.properties[key], schemas);
    return kindOf(found, key) === 'object' || kindOf(found, key) === 'pairs' || kindOf(found, key) === 'list';
  };
  return (key) => {
    if (first.includes(key)) return first.indexOf(key) - first.length;
    return isGroup(key) ? 2 : Number(!model.required?.includes(key));
  };
}

function isOfEnd(schema, end) {
  const own = endOf(schema);
  return !own || !end || own === end;
}

/** Return an object with a key set; a value of undefined takes it out, so that the default holds. */
function withKey(object, key, value) {
  if (value === undefined) {
    const { [key]: _gone, ...others } = object;
    return others;
  }
  return { ...object, [key]: value };
}

/** Settings that are seldom needed: made when they are opened. */
function More({ count, label, children }) {
  const [open, setOpen] = useState(false);
  if (!count) return null;
  return html`<details class="form-more" open=${open} onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary aria-label=${label ? t('form.more.of', { n: count, of: label }) : undefined}>${t('form.more', { n: count })}</summary>
    ${open && children()}</details>`;
}

/** One key: a field, a list, or an object of its own keys. */
function Key({ context, schema, model, name, path, value, needed, end, onChange }) {
  const { schemas, errors, help } = context;
  const found = resolve(schema, schemas);
  const kind = kindOf(found, name);
  const text = help(model, name, helpOf(found));
  if (kind === 'object') {
    return html`<fieldset class="form-group" id=${fieldId(path)} tabindex="-1"><legend>${name}</legend><p class="help">${text}</p>
      <${FieldErrors} errors=${errors} path=${path} />
      <${Keys} context=${context} schema=${found} value=${value} path=${path} end=${end} onChange=${onChange} /></fieldset>`;
  }
  if (kind === 'list' && listKind(found, schemas) === 'objects') {
    return html`<${Objects} context=${context} schema=${found} name=${name} path=${path} value=${value} end=${end}
      help=${text} onChange=${onChange} />`;
  }
  if (kind === 'list') {
    return html`<${List} context=${context} schema=${found} name=${name} path=${path} value=${value} help=${text}
      onChange=${onChange} />`;
  }
  if (kind === 'pairs') {
    return html`<${Pairs} context=${context} name=${name} path=${path} value=${value} help=${text} onChange=${onChange} />`;
  }
  return html`<${Entry} context=${context} schema=${found} kind=${kind} name=${name} path=${path} value=${value} help=${text}
    needed=${needed} onChange=${onChange} />`;
}

/** A list of objects, each with a number and a button that takes it out. */
function Objects({ context, schema, name, path, value, end, help, onChange }) {
  const entries = Array.isArray(value) ? value : [];
  const put = (place, next) => onChange(entries.map((each, index) => (index === place ? next : each)));
  const remove = (place) => onChange(entries.filter((_each, index) => index !== place));
  return html`<fieldset class="form-group" id=${fieldId(path)} tabindex="-1"><legend>${name}</legend><p class="help">${help}</p>
    <${FieldErrors} errors=${context.errors} path=${path} />
    ${entries.map((each, place) => html`<fieldset class="form-item" key=${place} id=${fieldId(join(path, place))} tabindex="-1">
      <legend>${titleOf(name, each, place)}</legend>
      <${FieldErrors} errors=${context.errors} path=${join(path, place)} />
      <${Keys} context=${context} schema=${schema.items} value=${each} path=${join(path, place)} end=${end}
        onChange=${(next) => put(place, next)} />
      <button type="button" class="quiet form-remove" disabled=${context.disabled} onClick=${() => remove(place)}>
        ${t('form.remove', { what: titleOf(name, each, place) })}</button></fieldset>`)}
    <button type="button" class="quiet" disabled=${context.disabled}
      onClick=${() => onChange([...entries, emptyOf(schema.items, context.schemas)])}>
      ${t('form.add', { what: name })}</button></fieldset>`;
}

/** Return what an entry is called: by what it holds, else by its number. */
function titleOf(name, entry, place) {
  const own = entry?.TableSchema || entry?.TableSchemaRegex || entry?.TableName || entry?.TableRegex || entry?.Type;
  return own ? `${name} ${place + 1}: ${own}` : `${name} ${place + 1}`;
}
