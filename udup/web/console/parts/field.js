// A field of a form: its label, its meaning, and what is wrong with it, tied together for screen readers.
import { html, useId } from '../core/html.js';
import { Icon } from '../core/icons.js';

/**
 * `children`: a function that gets {id, 'aria-describedby', 'aria-invalid'} and returns the control; without it an
 * input is made from `type`, `value` and `onInput(value)`. `error` and `remedy` are texts.
 */
export function Field({ label, help, error, remedy, type = 'text', value = '', onInput, children, wide = false, ...more }) {
  const id = useId();
  const describes = [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  const ties = { id, 'aria-describedby': describes, 'aria-invalid': error ? 'true' : undefined };
  return html`<div class=${`field${wide ? ' wide' : ''}${error ? ' wrong' : ''}`}><label for=${id}>${label}</label>
    ${typeof children === 'function' ? children(ties) : html`<input ...${ties} type=${type} value=${value} onInput=${event => onInput?.(event.target.value)} ...${more} />`}
    ${help && html`<p class="help" id=${`${id}-help`}>${help}</p>`}
    ${error && html`<p class="error" id=${`${id}-error`}><${Icon} name="failed" class="bad" /><span>${error}${remedy && html` <span class="soft">${remedy}</span>`}</span></p>`}</div>`;
}
