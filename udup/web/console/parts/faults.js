/** What is wrong, in a list at the top that gets the focus; each line leads to its field. */
import { html, useEffect, useRef } from '../core/html.js';
import { t } from '../core/words.js';
import { fieldId } from './schema.js';

/**
 * `faults`: [{field, problem, remedy}]; `count` changes with each try, so that the list takes the focus again.
 * `idOf` gives the ID of a fault's field, `labelOf` what it is called. `onGo(fault)`: in place of going to the field.
 */
export function FaultList({ faults, count = 0, idOf = fieldId, labelOf = (field) => field, title = '', onGo = null }) {
  const box = useRef(null);
  useEffect(() => {
    if (faults.length) box.current?.focus();
  }, [count, faults.length > 0]);
  if (!faults.length) return null;
  return html`<div class="fault-list" ref=${box} tabindex="-1" role="group" aria-labelledby="fault-list-title">
    <h2 id="fault-list-title">${title || t('form.faults', { n: faults.length })}</h2>
    <ul>${faults.map((each, place) => {
      const text = [labelOf(each.field ?? ''), each.problem].filter(Boolean).join(': ');
      return html`<li key=${place}>
        ${each.field ? html`<button type="button" class="link"
          onClick=${() => (onGo ? onGo(each) : reveal(idOf(each.field)))}>${text}</button>` : text}
        ${each.remedy && html`<span class="field-remedy">${each.remedy}</span>`}</li>`;
    })}</ul></div>`;
}

/** Open what hides a field and put the focus there; what has no field of its own leads to the one around it. */
export function reveal(id) {
  let field = document.getElementById(id);
  for (let around = id; !field && /[.[]/.test(around); ) {
    around = around.replace(/(\.[^.[]*|\[[^[]*)$/, '');
    field = document.getElementById(around);
  }
  for (let at = field?.closest('details'); at; at = at.parentElement?.closest('details')) at.open = true;
  field?.focus();
}
