// Rows that differ, a page at a time; each opens column by column.

import { Fragment, html, useRef, useState } from '../../core/html.js';
import { useKeys } from '../../core/keys.js';
import { t } from '../../core/words.js';
import { Icon } from '../../core/icons.js';
import { Empty, Failed, Skeleton } from '../../core/page.js';
import { Ago } from '../../parts/time.js';
import { walk } from '../walk.js';
import { PAGE, isRepaired, keyOf, tableOf } from './pages.js';
import { RepairAll } from './repair.js';
import { Row } from './row.js';

/** How a row differs: its sign, and the word's key. */
const KINDS = { __proto__: null, missing: '−', extra: '+', differs: '≠' };

export function Differences(props) {
  const { id, comparison, ledger } = props;
  const open = ledger.rows.filter(row => !isRepaired(row));
  const whole = ledger.page === 0 && !ledger.next;
  const count = whole ? open.length : Math.max(comparison?.Differences ?? 0, open.length);
  const repaired = ledger.rows.length - open.length;
  return html`<section class="card" aria-labelledby="compare-rows">
    <header><h2 id="compare-rows">${t('compare.differences')}</h2>
      ${count > 0 && html`<span class="tag bad">${t('compare.open.n', { n: count })}</span>`}
      ${repaired > 0 && html`<span class="tag ok">${t('compare.repaired.n', { n: repaired })}</span>`}</header>
    <${RepairAll} ...${props} open=${open} />
    ${ledger.error && html`<${Failed} error=${ledger.error} retry=${ledger.reload} />`}
    ${!ledger.loaded ? html`<${Skeleton} rows=${4} />` : ledger.rows.length
    ? html`<${List} id=${id} comparison=${comparison} rows=${ledger.rows} />`
    : !ledger.error && html`<${Empty} title=${t(comparison ? 'compare.none' : 'compare.none.never')} />`}
    <${Pager} ledger=${ledger} /></section>`;
}

function Pager({ ledger }) {
  if (ledger.page === 0 && !ledger.next) return null;
  const from = ledger.page * PAGE + 1;
  return html`<nav class="footbar pad" aria-label=${t('compare.pages')}>
    <span class="soft small grow">${t('compare.page', { from, to: from + ledger.rows.length - 1 })}</span>
    <button type="button" disabled=${ledger.page === 0 || ledger.loading} onClick=${() => ledger.turn(-1)}>${t('compare.previous')}</button>
    <button type="button" disabled=${!ledger.next || ledger.loading} onClick=${() => ledger.turn(1)}>${t('compare.next')}</button></nav>`;
}

function List({ id, comparison, rows }) {
  const [open, setOpen] = useState(null);
  const list = useRef(null);
  useKeys(walk(list, '.end button'));
  return html`<table class="differing" ref=${list}><caption class="hidden">${t('compare.differences')}</caption><thead><tr>
      <th scope="col">${t('compare.table')}</th><th scope="col">${t('compare.key')}</th>
      <th scope="col">${t('compare.difference')}</th><th scope="col" class="wide">${t('compare.columns')}</th>
      <th scope="col" class="wide">${t('compare.found')}</th><th scope="col">${t('compare.state')}</th>
      <th scope="col"><span class="hidden">${t('compare.show')}</span></th></tr></thead>
    <tbody>${rows.map(row => {
    const key = keyOf(row);
    return html`<${Fragment} key=${key}>
      <${Line} row=${row} comparison=${comparison} isOpen=${open === key} toggle=${() => setOpen(open === key ? null : key)} />
      ${open === key && html`<tr class="opened"><td colspan="7"><${Row} id=${id} row=${row} /></td></tr>`}<//>`;
  })}</tbody></table>`;
}

function Line({ row, comparison, isOpen, toggle }) {
  const name = `${tableOf(row)} ${row.Key}`;
  const columns = row.Columns.length ? row.Columns.join(', ') : t('compare.columns.all');
  return html`<tr class=${isOpen ? 'open' : ''}><td><span class="faint">${row.Schema}.</span><b>${row.Table}</b></td>
    <td><code class="key">${row.Key}</code></td>
    <td><b class="sign" aria-hidden="true">${KINDS[row.Kind] ?? '≠'}</b> ${t(`compare.kind.${row.Kind in KINDS ? row.Kind : 'differs'}`)}${
    row.Count > 1 && html` <span class="tag">${t('compare.times', { n: row.Count })}</span>`}${
    row.Computed && html` <span class="soft small">${t('compare.computed')}</span>`}</td>
    <td class="wide soft">${columns}</td>
    <td class="wide soft"><${Ago} at=${row.FirstSeen} /></td>
    <td><${RowState} row=${row} comparison=${comparison} /></td>
    <td class="end"><button type="button" class="quiet" aria-expanded=${isOpen}
      aria-label=${t(isOpen ? 'compare.hide.of' : 'compare.show.of', { row: name })} onClick=${toggle}>${
  t(isOpen ? 'compare.hide' : 'compare.show')}</button></td></tr>`;
}

function RowState({ row, comparison }) {
  if (isRepaired(row)) {
    return html`<span class="state ok"><${Icon} name="repaired" />${t('compare.state.repaired')}</span>`;
  }
  const repairing = comparison?.Repair && comparison.State === 'running'
    && (!comparison.Tables.length || comparison.Tables.includes(tableOf(row)));
  return repairing ? html`<span class="state info"><${Icon} name="reloading" />${t('compare.state.repairing')}</span>`
    : html`<span class="state warn"><${Icon} name="differs" />${t('compare.state.open')}</span>`;
}

