/**
 * Which schemas and tables a job takes, as ReplicateDoDb and ReplicateIgnoreDb say it.
 *
 * A schema is whole (an entry without Tables) or has single tables. What is unticked of a whole schema stands in
 * ReplicateIgnoreDb. An entry whose Tables became empty would mean the whole schema: it is taken out.
 */
const named = (entries, schema) => (entries ?? []).filter((each) => each.TableSchema === schema);
const others = (entries, schema) => (entries ?? []).filter((each) => each.TableSchema !== schema);
const isWhole = (entry) => !entry.Tables?.length;

function matches(pattern, name) {
  try {
    return new RegExp(pattern).test(name);
  } catch {
    return false; // of a syntax that only the server knows
  }
}

const takesSchema = (entry, schema) =>
  entry.TableSchema === schema || (!!entry.TableSchemaRegex && matches(entry.TableSchemaRegex, schema));
const takesTable = (item, table) => item.TableName === table || (!!item.TableRegex && matches(item.TableRegex, table));

/** Say whether entries choose a table, or a whole schema where no table is given. */
function chosenBy(entries, schema, table) {
  return (entries ?? []).some((entry) => takesSchema(entry, schema)
    && (isWhole(entry) || (table !== undefined && entry.Tables.some((item) => takesTable(item, table)))));
}

/** Say whether a table is in the job. `everything`: the job takes each schema that is not left out. */
export const hasTable = (config, everything, schema, table) =>
  (everything || chosenBy(config.ReplicateDoDb, schema, table)) && !chosenBy(config.ReplicateIgnoreDb, schema, table);

/** Return how a schema is chosen: whole, single tables, which of a whole one are left out, its new name. */
export function choiceOf(config, everything, schema) {
  const own = named(config.ReplicateDoDb, schema);
  const ignored = named(config.ReplicateIgnoreDb, schema);
  const whole = (everything || chosenBy(config.ReplicateDoDb, schema)) && !chosenBy(config.ReplicateIgnoreDb, schema);
  const listed = own.flatMap((entry) => entry.Tables ?? []);
  const out = ignored.flatMap((entry) => entry.Tables ?? []).map((item) => item.TableName).filter(Boolean);
  const byRule = !everything && (config.ReplicateDoDb ?? []).some((entry) => !!entry.TableSchemaRegex && takesSchema(entry, schema));
  return {
    whole,
    on: whole || (listed.length > 0 && !chosenBy(config.ReplicateIgnoreDb, schema)) || byRule,
    byRule,
    tables: whole ? [] : listed.map((item) => item.TableName).filter(Boolean),
    patterns: listed.some((item) => item.TableRegex),
    out: new Set(out),
    rename: own.find((entry) => entry.TableSchemaRename)?.TableSchemaRename ?? '',
  };
}

/** Return the Config's two lists with a schema taken whole, or not at all. */
export function withSchema(config, everything, schema, on) {
  const ignore = others(config.ReplicateIgnoreDb, schema);
  if (everything) return lists(config.ReplicateDoDb, on ? ignore : [...ignore, { TableSchema: schema }]);
  const rest = others(config.ReplicateDoDb, schema);
  return lists(on ? [...rest, { TableSchema: schema }] : rest, ignore);
}

/** Return them with a schema's single tables in place of what was chosen of it; what they are called stays. */
export function withTables(config, schema, tables) {
  const known = new Map(named(config.ReplicateDoDb, schema).flatMap((entry) => entry.Tables ?? []).map((item) => [item.TableName, item]));
  const patterns = named(config.ReplicateDoDb, schema).flatMap((entry) => entry.Tables ?? []).filter((item) => item.TableRegex);
  const items = [...tables.map((table) => known.get(table) ?? { TableName: table }), ...patterns];
  const { rename } = choiceOf(config, false, schema);
  const entry = { TableSchema: schema, ...(rename && { TableSchemaRename: rename }), Tables: items };
  return lists(replaced(config.ReplicateDoDb, schema, items.length ? [entry] : []), others(config.ReplicateIgnoreDb, schema));
}

/** Return them with one table ticked or not, in a whole schema or among single tables. */
export function withTable(config, everything, schema, table, on) {
  const { whole, tables } = choiceOf(config, everything, schema);
  if (!whole) return withTables(config, schema, on ? [...tables, table] : tables.filter((each) => each !== table));
  const ignore = named(config.ReplicateIgnoreDb, schema).flatMap((entry) => entry.Tables ?? []).filter((item) => item.TableName !== table);
  if (!on) ignore.push({ TableName: table });
  const entry = { TableSchema: schema, Tables: ignore };
  return lists(config.ReplicateDoDb, replaced(config.ReplicateIgnoreDb, schema, ignore.length ? [entry] : []));
}

/** Return them with another name of a schema on the target; an empty one is its own. */
export function withSchemaName(config, schema, name) {
  const own = named(config.ReplicateDoDb, schema).map(({ TableSchemaRename: _old, ...entry }) =>
    (name ? { ...entry, TableSchemaRename: name } : entry));
  return lists(replaced(config.ReplicateDoDb, schema, own), config.ReplicateIgnoreDb);
}

/** Return the entries with those of one schema exchanged, at the place of the first of them. */
function replaced(entries, schema, own) {
  const all = entries ?? [];
  const at = all.findIndex((each) => each.TableSchema === schema);
  const rest = others(all, schema);
  const place = at < 0 ? rest.length : all.slice(0, at).filter((each) => each.TableSchema !== schema).length;
  return [...rest.slice(0, place), ...own, ...rest.slice(place)];
}

const lists = (take, leave) => ({ ReplicateDoDb: take ?? [], ReplicateIgnoreDb: leave?.length ? leave : undefined });
