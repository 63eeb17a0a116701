// A message of a subscription taken apart: what happened to which row, and its images. Numbers keep their digits.

/** A number as its text was: 18446744073709551615 and 1.10 are no JavaScript numbers. */
export class Digits {
  constructor(text) {
    this.text = text;
  }
}

/** Return a JSON value whose numbers are `Digits`; the text itself if it is no JSON, null for null. */
export function parsed(text) {
  if (text === null || text === undefined) return null;
  try {
    return JSON.parse(text, (key, value, context) => (typeof value === 'number' ? new Digits(context?.source ?? String(value)) : value));
  } catch {
    return text;
  }
}

/** Return a parsed value as JSON text over several lines. */
export function printed(value, indent = '') {
  if (value instanceof Digits) return value.text;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const isList = Array.isArray(value);
  const entries = isList ? value : Object.entries(value);
  const [open, close] = isList ? '[]' : '{}';
  if (!entries.length) return open + close;
  const deeper = `${indent}  `;
  const lines = entries.map(each => (isList ? deeper + printed(each, deeper)
    : `${deeper}${JSON.stringify(each[0])}: ${printed(each[1], deeper)}`));
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Digits);
const objectOf = value => (isObject(value) ? value : null);
const payloadOf = value => (isObject(value) && 'schema' in value && 'payload' in value ? objectOf(value.payload) ?? {} : objectOf(value) ?? {});

/** What a flat row has beside its columns. */
const FLAT_META = new Set(['__op', '__gtid', '__ts_us', '__deleted']);

/** Return {operation, before, after} of a row, in whichever of the forms it came: Debezium's, flat, CloudEvents. */
export function imagesOf(row) {
  const inner = payloadOf(row);
  if ('data' in inner && 'iodebeziumop' in inner) {
    const data = payloadOf(inner.data);
    return { operation: String(inner.iodebeziumop), before: objectOf(data.before), after: objectOf(data.after) };
  }
  if ('__op' in inner) {
    const columns = Object.fromEntries(Object.entries(inner).filter(([name]) => !FLAT_META.has(name)));
    const operation = String(inner.__op);
    return { operation, before: operation === 'd' ? columns : null, after: operation === 'd' ? null : columns };
  }
  return { operation: String(inner.op ?? ''), before: objectOf(inner.before), after: objectOf(inner.after) };
}

/** What the end of an ID says that is of no row. */
const OTHERS = { __proto__: null, begin: 'begin', end: 'end', ddl: 'ddl', trunc: 't' };

/** Return what an event is: {kind, table, origin, key, rows: [{operation, before, after}], value}. */
export function eventOf(event) {
  const parts = event.ID.split(':');
  const at = parts.findIndex(part => part.includes('.'));
  const value = parsed(event.Value);
  const rows = (Array.isArray(value) ? value : [value]).map(imagesOf);
  const kind = event.Value === null ? 'tombstone' : OTHERS[parts.at(-1)] || rows[0].operation || event.Operation || 'other';
  const table = at < 0 ? '' : parts[at].split('.').map(decodeURIComponent).join('.');
  return { kind, table, origin: parts.slice(0, at < 0 ? -1 : at).join(':'), key: keyText(event.Key), rows, value };
}

function keyText(text) {
  const key = parsed(text);
  if (!isObject(key)) return key === null ? '' : cell(key);
  return Object.entries(payloadOf(key)).map(([name, value]) => `${name}=${cell(value)}`).join(' ');
}

/** Return a value of an image as a text, null for null. */
export function cell(value) {
  if (value === null || value === undefined) return null;
  if (value instanceof Digits) return value.text;
  return typeof value === 'string' ? value : printed(value);
}

/** Return the columns of a row before and after, as `Pairs` shows them. */
export function pairsOf({ before, after }) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names.map(name => {
    const left = cell(before?.[name]);
    const right = cell(after?.[name]);
    return { name, left, right, equal: !before || !after || left === right };
  });
}

/** Return in a line what a row's change is: the columns that are other ones, or its columns. */
export function summaryOf({ before, after }) {
  const short = value => { const text = cell(value) ?? 'NULL'; return text.length > 60 ? `${text.slice(0, 59)}…` : text; };
  if (before && after) {
    const changed = Object.keys(after).filter(name => cell(before[name]) !== cell(after[name]));
    return changed.map(name => `${name}: ${short(before[name])} → ${short(after[name])}`).join(', ');
  }
  return Object.entries(after ?? before ?? {}).map(([name, value]) => `${name}: ${short(value)}`).join(', ');
}
