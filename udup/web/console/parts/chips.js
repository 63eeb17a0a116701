// Filters of a list, with how many entries each has.
import { html } from '../core/html.js';
import { num } from '../core/formats.js';

/** `chips`: [{name, label, count?}]; `now`: the one that is chosen, '' for the first; `onPick(name)`. */
export const Chips = ({ label, chips, now, onPick }) => html`<div class="chips" role="group" aria-label=${label}>${chips.filter(Boolean).map(({ name, label: word, count }) => html`
  <button type="button" key=${name} class="chip" aria-pressed=${name === now} onClick=${() => onPick(name)}>${word}${count !== undefined && html` <b>${num(count)}</b>`}</button>`)}</div>`;
