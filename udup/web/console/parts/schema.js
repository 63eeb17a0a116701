/** What `/v1/openapi.json` says of a job's document, as the form needs it: kinds, help, defaults and the API's paths. */
import { get } from '../core/api.js';

let asked = null;

/** Return the schemas of the API's document, asked for once. @returns {Promise<Object<string, object>>} */
export function loadSchemas() {
  asked ??= get('openapi.json').then(
    (document) => document.components.schemas,
    (error) => {
      asked = null; // so that the next reader asks again
      throw error;
    },
  );
  return asked;
}

const SECRET = /^password$/i;
export const MASK = '******';

/** Return a schema with its reference followed and "or null" taken off; `name` is that of the model it came from. */
export function resolve(schema, schemas) {
  let found = schema;
  const variants = found.anyOf?.filter((each) => each.type !== 'null');
  if (variants) {
    const list = variants.find((each) => each.type === 'array'); // a list, or the same as text with commas
    found = { ...found, ...(list ?? variants[0]), anyOf: undefined };
  }
  if (!found.$ref) return found;
  const name = found.$ref.split('/').pop();
  const { description, ...own } = found;
  return { ...schemas[name], ...own, description: description ?? schemas[name].description, $ref: undefined, name };
}

/** Return which of several models an object is: by the words that only one of them takes (Driver), else the first. */
export function variantOf(schema, value, schemas) {
  const models = schema.oneOf.map((each) => resolve(each, schemas));
  return models.find((model) => fits(model, value)) ?? models[0];
}

function fits(model, value) {
  const words = model.properties?.Driver;
  const driver = value?.Driver ?? words?.default;
  return words?.const ? words.const === driver : words?.enum?.includes(driver);
}

/** Return how a value is asked for: object, pairs, objects, words, lines, word, flag, secret, number or text. */
export function kindOf(schema, key) {
  if (schema.oneOf || schema.properties) return 'object';
  if (schema.type === 'object') return 'pairs';
  if (schema.type === 'array') return 'list';
  if (schema.enum || schema.const) return 'word';
  if (schema.type === 'boolean') return 'flag';
  if (SECRET.test(key)) return 'secret';
  return schema.type === 'integer' || Array.isArray(schema.type) ? 'number' : 'text';
}

/** Return how a list's entries are asked for: objects one by one, words to tick, or a line each. */
export function listKind(schema, schemas) {
  const item = resolve(schema.items, schemas);
  if (item.oneOf || item.properties) return 'objects';
  return item.enum ? 'words' : 'lines';
}

const END = /^(Src|Dest): /;

/** Return which end of a job a key is of, by how its help begins; empty for both. */
export const endOf = (schema) => END.exec(schema.description ?? '')?.[1] ?? '';

/** Return the help without the end, in plain text: what stands between backquotes stays as it is. */
export function helpOf(schema) {
  const told = (schema.description ?? '').replace(END, '').replace(/\s+/g, ' ');
  const text = told.replaceAll('`', '');
  return told.startsWith('`') ? text : text.charAt(0).toUpperCase() + text.slice(1); // a word of the document stays as it is
}

/** Return the path of a key or an entry as the API names it: `Tasks[0].Config.Gtid`. */
export function join(path, key) {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path ? `${path}.${key}` : key;
}

/** Return the ID of a field's element. */
export const fieldId = (path) => `field-${path}`;

/** Return the faults of exactly this path. */
export const faultsAt = (errors, path) => (errors ?? []).filter((each) => each.field === path);

/** Say whether a fault lies at this path or inside it. */
export function touches(errors, path) {
  return (errors ?? []).some(({ field = '' }) => field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`));
}

/** Return the value that an empty field of this schema has: nothing, unless the document must say it. */
export function emptyOf(schema, schemas) {
  const found = resolve(schema, schemas);
  const model = found.oneOf ? resolve(found.oneOf[0], schemas) : found;
  if (model.properties) {
    const needed = (model.required ?? []).map((key) => [key, emptyOf(model.properties[key], schemas)]);
    return Object.fromEntries(needed);
  }
  if (found.type === 'array') return [];
  if (found.type === 'object') return {};
  if (found.enum) return found.default ?? found.enum[0];
  return found.const ?? (found.type === 'boolean' ? false : '');
}

/** Return the document of a job as the API shows it: what it could be posted with again, and no figures of its life. */
export function documentOf(job, schemas) {
  const kept = Object.keys(schemas.JobSpec.properties).filter((key) => isSaid(job[key]) && !ORDERS.includes(key));
  const document = Object.fromEntries(kept.map((key) => [key, job[key]]));
  document.Tasks = (job.Tasks ?? []).map((task) => {
    const keys = ['Type', 'NodeId', 'NodeName', 'Driver', 'Config', 'Meta'].filter((key) => isSaid(task[key]));
    return Object.fromEntries(keys.map((key) => [key, task[key]]));
  });
  return document;
}

/** What is of a server, or of the request that wrote it. */
const ORDERS = ['Region', 'EnforceIndex', 'JobModifyIndex'];

const isSaid = (value) => value !== undefined && value !== null && value !== '';
