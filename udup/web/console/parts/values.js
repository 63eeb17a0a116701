// Values of cells as people can tell them apart: NULL, empty, blanks at the ends, control characters and bytes show.

import { html, useState } from '../core/html.js';
import { t } from '../core/words.js';
import { num } from '../core/formats.js';

/** Letters of a value above which it folds to where it first differs; letters that stay on each side of that place. */
export const LONGEST = 200;
const AROUND = 80;

/** Characters that show nothing, or move what stands around them: C0, C1, no-break and wide spaces, zero width, bidi. */
// eslint-disable-next-line no-control-regex
const HIDDEN = /[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u206f\u3000\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff]+/u;
const NAMED = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' };

function escaped(letters) {
  return Array.from(letters, (letter) => {
    const code = letter.codePointAt(0);
    return NAMED[letter] ?? (code < 256 ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`);
  }).join('');
}

/**
 * Split a text into what is shown as it is and what is made visible.
 * @param {string} text
 * @param {{start?: boolean, end?: boolean}} ends whether the text begins and ends where the value does
 * @returns {{text: string, mark?: 'blanks' | 'hidden', n?: number}[]}
 */
export function pieces(text, { start = true, end = true } = {}) {
  const first = start ? /^ +/.exec(text)?.[0].length ?? 0 : 0;
  const last = end && first < text.length ? / +$/.exec(text)?.[0].length ?? 0 : 0;
  const found = [];
  if (first) found.push({ text: '·'.repeat(first), mark: 'blanks', n: first });
  let rest = text.slice(first, text.length - last);
  for (let match = HIDDEN.exec(rest); match; match = HIDDEN.exec(rest)) {
    if (match.index) found.push({ text: rest.slice(0, match.index) });
    found.push({ text: escaped(match[0]), mark: 'hidden', n: Array.from(match[0]).length });
    rest = rest.slice(match.index + match[0].length);
  }
  if (rest) found.push({ text: rest });
  if (last) found.push({ text: '·'.repeat(last), mark: 'blanks', n: last });
  return found;
}

/** Return the place of the first letter in which two texts differ, -1 where they are the same. */
export function firstDifference(a, b) {
  if (a === b) return -1;
  const most = Math.min(a.length, b.length);
  let place = 0;
  while (place < most && a.charCodeAt(place) === b.charCodeAt(place)) place += 1;
  return place;
}

/**
 * Return the part of a long text that is shown first, around the place where it differs from another.
 * @returns {{from: number, to: number}}
 */
export function window_(text, other) {
  if (text.length <= LONGEST) return { from: 0, to: text.length };
  const place = typeof other === 'string' ? Math.max(firstDifference(text, other), 0) : 0;
  const from = Math.max(0, Math.min(place - AROUND, text.length - LONGEST));
  return { from, to: Math.min(text.length, from + LONGEST) };
}

function Pieces({ of, start, end }) {
  return pieces(of, { start, end }).map((piece) => (piece.mark
    ? html`<span class="mark" role="img" aria-label=${t(`values.${piece.mark}`, { n: piece.n, text: piece.text })}
        title=${t(`values.${piece.mark}`, { n: piece.n, text: piece.text })}>${piece.text}</span>`
    : piece.text));
}

function Long({ value, other }) {
  const [whole, setWhole] = useState(false);
  const { from, to } = whole ? { from: 0, to: value.length } : window_(value, other);
  const fold = value.length > LONGEST;
  return html`<code class="value">${from > 0 && html`<span class="mark cut">… ${num(from)} …</span>`}<${Pieces}
      of=${value.slice(from, to)} start=${from === 0} end=${to === value.length} />${to < value.length
    && html`<span class="mark cut">… ${num(value.length - to)} …</span>`}</code>
    ${fold && html`<button type="button" class="quiet small" aria-expanded=${whole}
      onClick=${() => setWhole(!whole)}>${whole ? t('values.fold') : t('values.unfold', { n: value.length })}</button>`}`;
}

/**
 * Show one value. `value` is a text, or null for NULL; `binary`: the text is `0x…`. `other` is what it is compared
 * with, so that long ones fold to where they differ. `none`: there is no row; `hidden`: values are not told.
 */
export function Value({ value, other, binary = false, none = false, hidden = false }) {
  if (hidden && !none) return html`<span class="value-word">${t('values.not_shown')}</span>`;
  if (none) return html`<span class="value-word">${t('values.no_row')}</span>`;
  if (value === null || value === undefined) return html`<code class="value value-word">NULL</code>`;
  if (value === '') return html`<code class="value value-word" title=${t('values.empty')}>${"''"}</code>`;
  return html`<${Long} value=${value} other=${other} />${binary
    && /^0x([0-9a-f]{2})*$/i.test(value) && html` <span class="value-length">${t('values.bytes', { n: (value.length - 2) / 2 })}</span>`}`;
}

/**
 * Show two rows column by column; what is not equal is bold, tinted and has ≠ between.
 * `columns`: {name, left, right, equal, binary?, note?}.
 */
export function Pairs({ label, left, right, columns, leftThere = true, rightThere = true, hidden = false }) {
  return html`<table class="pairs" aria-label=${label}>
    <thead><tr><th scope="col">${t('values.column')}</th><th scope="col">${left}</th>
      <th scope="col"><span class="hidden">${t('values.relation')}</span></th><th scope="col">${right}</th></tr></thead>
    <tbody>${columns.map((each) => html`<tr key=${each.name} class=${each.equal ? '' : 'unequal'}>
      <th scope="row">${each.name}${each.note && html` <span class="faint small">${each.note}</span>`}</th>
      <td><${Value} value=${each.left} other=${each.right} binary=${each.binary} none=${!leftThere} hidden=${hidden} /></td>
      <td class="relation"><span aria-hidden="true">${each.equal ? '=' : '≠'}</span><span class="hidden">${
  t(each.equal ? 'values.equal' : 'values.unequal')}</span></td>
      <td><${Value} value=${each.right} other=${each.left} binary=${each.binary} none=${!rightThere} hidden=${hidden} /></td></tr>`)}
    </tbody></table>`;
}
