// What was changed outside of the source's log: rows that were repaired, transactions that were passed over.

import { html } from '../../core/html.js';
import { t } from '../../core/words.js';
import { Time } from '../../parts/time.js';
import { isRepaired, tableOf } from './pages.js';

function repairsOf(rows) {
  const found = new Map();
  for (const row of rows.filter(isRepaired)) {
    const key = `${row.Repaired.slice(0, 16)} ${tableOf(row)}`;
    const before = found.get(key) ?? { key, at: row.Repaired, table: tableOf(row), n: 0 };
    found.set(key, { ...before, n: before.n + (row.Count || 1) });
  }
  return [...found.values()].sort((a, b) => b.at.localeCompare(a.at));
}

export function Ledger({ job, ledger }) {
  const repairs = repairsOf(ledger.rows);
  const skipped = job?.Skipped ?? [];
  if (!repairs.length && !skipped.length) return null;
  return html`<section class="card" aria-labelledby="compare-ledger">
    <header><h2 id="compare-ledger">${t('compare.ledger')}</h2></header>
    <ul class="ledger">
      ${skipped.map(each => html`<li key=${each.Gtid}><${Time} at=${each.Time} /><div><p>${t(each.Confirmed
    ? 'compare.ledger.skipped' : 'compare.ledger.skipping')} <code>${each.Gtid}</code> ${each.Table && html`<code>${each.Table}</code>`}</p>
      ${each.Error && html`<p class="said" lang="en">${each.Error}</p>`}</div></li>`)}
      ${repairs.map(each => html`<li key=${each.key}><${Time} at=${each.at} /><div><p>${t('compare.ledger.repaired', { n: each.n })} <code>${
    each.table}</code></p></div></li>`)}
    </ul>
    <p class="pad soft small">${t('compare.ledger.kept')}</p></section>`;
}
