// Definitions that are not on the target as the job means them to be, each with what puts it right.

import { html } from '../../core/html.js';
import { t } from '../../core/words.js';
import { Icon } from '../../core/icons.js';
import { Command } from '../../parts/command.js';

/** Take them of the ledger, which has them all, or of the comparison, which has the first. */
function found(comparison, ledger) {
  const kept = ledger.definitions.map(row => ({ text: row.Definition, counts: row.Counts, remedy: row.Remedy, of: row.Schema && `${row.Schema}.${row.Table}` }));
  const told = (comparison?.Definitions ?? []).map(each => ({ text: each.Text, counts: each.Counts, remedy: each.Remedy, of: '' }));
  return kept.length ? kept : told;
}

export function Definitions({ comparison, ledger }) {
  const all = found(comparison, ledger);
  const counting = all.filter(each => each.counts);
  const told = all.filter(each => !each.counts);
  if (!comparison) return null;
  return html`<section class="card" aria-labelledby="compare-definitions">
    <header><h2 id="compare-definitions">${t('compare.definitions')}</h2>
      ${counting.length > 0 ? html`<span class="tag bad">${t('compare.definitions.n', { n: counting.length })}</span>`
    : html`<span class="state ok"><${Icon} name="equal" />${t('compare.definitions.none')}</span>`}</header>
    ${counting.length > 0 && html`<p class="pad soft">${t('compare.definitions.how')}</p>
      <ul class="definitions">${counting.map(each => html`<${Definition} key=${each.text} definition=${each} />`)}</ul>`}
    ${told.length > 0 && html`<details class="pad"><summary>${t('compare.definitions.told', { n: told.length })}</summary>
      <ul class="definitions">${told.map(each => html`<${Definition} key=${each.text} definition=${each} />`)}</ul></details>`}
  </section>`;
}

function Definition({ definition }) {
  return html`<li><p lang="en">${definition.of && !definition.text.startsWith(definition.of)
    && html`<code>${definition.of}</code> `}${definition.text}</p>
    ${definition.remedy && definition.counts && html`<${Command} text=${definition.remedy} />`}</li>`;
}
