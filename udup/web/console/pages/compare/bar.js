// Tables of a comparison as a bar: equal, different, not comparable, to do.

import { html } from '../../core/html.js';
import { t } from '../../core/words.js';
import { num } from '../../core/formats.js';

/** Return how many tables of the round are where; `of` is null where the number of all is not known. */
export function tablesOf(job, comparison) {
  const asked = comparison.Tables.length || job?.Progress?.followed_tables || null;
  const problems = comparison.Unlike.filter(table => table.Problem).length;
  const differ = comparison.Unlike.length - problems;
  const equal = Math.max(0, comparison.TablesCompared - comparison.Unlike.length);
  const seen = equal + differ + problems;
  const todo = comparison.State === 'running' && asked ? Math.max(0, asked - seen) : 0;
  return { equal, differ, problems, todo, of: seen + todo };
}

const PARTS = ['equal', 'differ', 'problems', 'todo'];

/** Below it the same in words, with what each colour is. */
export function Bar({ job, comparison }) {
  const found = tablesOf(job, comparison);
  const parts = PARTS.filter(part => found[part] > 0);
  let at = 0;
  const places = parts.map(part => {
    const width = Math.max(0.6, (found[part] * 100) / found.of);
    const place = { part, at, width };
    at += width;
    return place;
  });
  const sentence = parts.map(part => t(`compare.bar.${part}`, { n: found[part] })).join(', ');
  return html`<div class="tables-bar">
    ${found.of > 0 && html`<svg viewBox=${`0 0 ${Math.max(at, 1)} 4`} preserveAspectRatio="none" role="img"
      aria-label=${sentence}>${places.map(({ part, at: x, width }) => html`<rect key=${part} class=${part} x=${x}
      width=${Math.max(width - 0.3, 0.3)} height="4" />`)}</svg>`}
    <ul class="legend">${parts.map(part => html`<li key=${part} class=${part}><i aria-hidden="true"></i>${
    t(`compare.bar.${part}`, { n: num(found[part]) })}</li>`)}</ul></div>`;
}
