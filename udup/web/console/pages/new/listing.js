/** Tables of the source's schemas as far as they were listed: kept while the source stays as it is typed. */
import { signal } from '../../core/html.js';
import { draft } from './draft.js';
import { askTables, keyOf } from './looks.js';

/** {key, lists: {[schema, search]: {rows, next, error}}} */
const listing = signal({ key: '', lists: {} });
const place = (schema, search = '') => `${schema}\n${search}`;

/** Return what is known of a schema's tables, or of those with a text in their names; undefined before that. */
export function listOf(schema, search = '') {
  const { key, lists } = listing.value;
  if (key !== keyOf(draft.value, 'Src')) return undefined;
  const whole = lists[place(schema)];
  if (!search) return whole;
  if (whole?.rows && !whole.next) return { ...whole, rows: whole.rows.filter(({ Table }) => Table.toLowerCase().includes(search.toLowerCase())) };
  return lists[place(schema, search)];
}

/** Return a schema's row of a table, if it was listed. */
export const rowOf = (schema, table) => listOf(schema)?.rows?.find((row) => row.Table === table);

function put(key, at, list) {
  const lists = listing.value.key === key ? listing.value.lists : {};
  listing.value = { key, lists: { ...lists, [at]: list } };
}

const pending = new Set();

async function ask(schema, search, before) {
  const key = keyOf(draft.value, 'Src');
  const at = place(schema, search);
  if (pending.has(key + at)) return;
  pending.add(key + at);
  try {
    const answer = await askTables(schema, { after: before?.next ?? '', search });
    const failed = answer.Reachable ? null : new Error(answer.Error);
    put(key, at, { rows: failed ? null : [...(before?.rows ?? []), ...answer.Tables], next: answer.Next ?? '', error: failed });
  } catch (error) {
    put(key, at, { rows: before?.rows ?? null, next: before?.next ?? '', error });
  } finally {
    pending.delete(key + at);
  }
}

/** List a schema's first tables, unless they are listed. */
export async function loadTables(schema, { anew = false } = {}) {
  if (anew || !listOf(schema)?.rows) await ask(schema, '');
}

export const loadMore = (schema) => ask(schema, '', listOf(schema));

/** Find tables by a part of their names at the server, where not all are listed. */
export async function searchTables(schema, search) {
  if (!listOf(schema, search)) await ask(schema, search);
}

/** Say whether a table can be replicated. */
export const isCarried = (row) => row.Kind !== 'not_carried';
