/** The tables of one schema: the whole schema, or those that are ticked. */
import { html, useEffect, useRef, useState } from '../../core/html.js';
import { Icon } from '../../core/icons.js';
import { bytes, num } from '../../core/formats.js';
import { Failed, Skeleton } from '../../core/page.js';
import { t } from '../../core/words.js';
import { choiceOf, hasTable, withSchema, withTable, withTables } from './choice.js';
import { configOf, withConfig } from './document.js';
import { change, draft, remember } from './draft.js';
import { isCarried, listOf, loadMore, loadTables, searchTables } from './listing.js';

/** How long the typing must rest before tables are searched for. */
const REST_MS = 250;

const take = (config, next) => change(withConfig(draft.value.document, 'Src', next(config)));

export function SchemaTables({ schema, value }) {
  const [search, setSearch] = useState('');
  const list = listOf(schema, search);
  const config = configOf(value.document, 'Src');
  const choice = choiceOf(config, value.ui.everything, schema);
  const some = !choice.whole && (value.ui.some[schema] || choice.tables.length > 0);
  useEffect(() => { loadTables(schema); }, [schema]);
  useEffect(() => {
    if (!search) return undefined;
    const timer = setTimeout(() => searchTables(schema, search), REST_MS);
    return () => clearTimeout(timer);
  }, [schema, search]);
  useLeaveOut(schema, value, choice, list);
  return html`<section class="card" aria-labelledby="tables-title"><header><h2 id="tables-title" class="wrap">${schema}</h2><div
    class="grow"></div>
      <div class="search"><${Icon} name="search" /><input type="search" aria-label=${t('wizard.tables.search')}
        placeholder=${t('wizard.tables.search')} value=${search} onInput=${(event) => setSearch(event.currentTarget.value)} />
        </div></header>
    ${value.purpose !== 'add' && !value.ui.everything && html`<${How} schema=${schema} config=${config} whole=${choice.whole}
      some=${some} list=${list} />`}
    <${Rows} schema=${schema} value=${value} config=${config} choice=${choice} list=${list} search=${search} /></section>`;
}

/** What cannot be carried of a whole schema is left out as soon as it is known; what a job has already stays as it is. */
function useLeaveOut(schema, value, choice, list) {
  const rows = list?.rows;
  const had = !!value.before && choiceOf(configOf(value.before, 'Src'), value.ui.everything, schema).whole;
  useEffect(() => {
    const missing = choice.whole && !had && rows ? rows.filter((row) => !isCarried(row) && !choice.out.has(row.Table)) : [];
    for (const { Table } of missing) {
      take(configOf(draft.value.document, 'Src'), (config) => withTable(config, value.ui.everything, schema, Table, false));
    }
  }, [rows, choice.whole]);
}

/** The whole schema, or only what is ticked. */
function How({ schema, config, whole, some, list }) {
  const rows = (list?.rows ?? []).filter((row) => isCarried(row));
  const takeWhole = () => {
    remember({ some: { ...draft.value.ui.some, [schema]: false } });
    take(config, (own) => withSchema(own, false, schema, true));
  };
  const takeSome = () => {
    remember({ some: { ...draft.value.ui.some, [schema]: true } });
    const ticked = whole && list && !list.next ? rows.map((row) => row.Table).filter((table) => hasTable(config, false, schema, table)) : [];
    take(config, (own) => withTables(own, schema, ticked));
  };
  const radio = (name, checked, onChange) => html`<label class="check"><input type="radio" name=${`how-${schema}`}
    checked=${checked} onChange=${onChange} />
    <span><b>${t(`wizard.how.${name}`)}</b><br /><span class="soft small">${t(`wizard.how.${name}.help`)}</span></span></label>`;
  return html`<fieldset class="pad stack tight"><legend class="hidden">${t('wizard.how', { schema })}</legend>
    ${radio('whole', whole, takeWhole)}${radio('some', some, takeSome)}</fieldset>`;
}

function Rows({ schema, value, config, choice, list, search }) {
  if (list?.error) return html`<${Failed} error=${list.error} retry=${() => loadTables(schema, { anew: true })} />`;
  if (!list?.rows) return html`<${Skeleton} rows=${6} height=${40} />`;
  if (!list.rows.length) return html`<p
    class="pad soft">${search ? t('wizard.tables.no_hit', { q: search }) : t('wizard.tables.empty')}</p>`;
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t('wizard.tables.of', { schema })}><table><thead>
    <tr><th><span class="hidden">${t('wizard.tables.chosen')}</span></th><th>${t('wizard.tables.table')}</th>
      <th class="hide-narrow">${t('wizard.tables.key')}</th><th class="num">${t('wizard.tables.rows')}</th><th
        class="num">${t('wizard.tables.size')}</th></tr></thead>
    <tbody>${list.rows.map((row) => html`<${Row} key=${row.Table} row=${row} schema=${schema} value=${value} config=${config}
      choice=${choice} />`)}</tbody></table></div>
    <footer><span>${t(list.next ? 'wizard.tables.first' : 'wizard.tables.all', { n: list.rows.length })}</span>
      ${list.next && html`<button type="button" class="quiet small"
        onClick=${() => loadMore(schema)}>${t('wizard.tables.more')}</button>`}</footer>`;
}

function Row({ row, schema, value, config, choice }) {
  const box = useRef(null);
  const carried = isCarried(row);
  const on = carried && hasTable(config, value.ui.everything, schema, row.Table);
  const had = value.purpose === 'add' && hasTable(configOf(value.before, 'Src'), value.ui.everything, schema, row.Table);
  const ruled = on && !choice.whole && !choice.tables.includes(row.Table);
  const flip = (event) => {
    const { checked } = event.currentTarget;
    if (!choice.whole) remember({ some: { ...value.ui.some, [schema]: true } });
    take(config, (own) => withTable(own, value.ui.everything, schema, row.Table, checked));
  };
  return html`<tr><td><input type="checkbox" ref=${box} checked=${on} disabled=${!carried || had || ruled}
    aria-label=${t('wizard.table.take', { table: row.Table })} onChange=${flip} /></td>
    <th scope="row"><span class="wrap">${row.Table}</span>${had && html` <span
      class="tag">${t('wizard.table.had')}</span>`}<${Problem} row=${row} carried=${carried} /></th>
    <td class="soft small hide-narrow">${t(`wizard.key.${row.Key}`)}</td><td
      class="num soft">${row.Rows === null ? '–' : `≈ ${num(row.Rows)}`}</td><td class="num soft">${bytes(row.Bytes)}</td></tr>`;
}

/** What is to be known of a table before it is replicated. */
function Problem({ row, carried }) {
  if (!row.Problem) return null;
  const text = row.Kind ? t(`wizard.problem.${row.Kind}`, { engine: row.Engine }) : row.Problem;
  return html`<span class=${`note small ${carried ? 'warn' : 'bad'}`}><${Icon} name=${carried ? 'reconnecting' : 'failed'} />
    <span>${text}</span></span>`;
}
