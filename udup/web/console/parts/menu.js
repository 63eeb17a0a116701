// A menu behind a button: arrow keys, letters of the entries' beginnings, Escape.
import { html, useEffect, useId, useRef, useState } from '../core/html.js';
import { Icon } from '../core/icons.js';

/** `items`: [{label, icon?, danger?, href?, onAct?, title?}], false ones are left out. `label` names the button. */
export function Menu({ label, items, small = false }) {
  const [isOpen, open] = useState(false);
  const id = useId();
  const root = useRef(null);
  const shown = items.filter(Boolean);
  useEffect(() => {
    if (!isOpen) return undefined;
    const outside = event => { if (!root.current?.contains(event.target)) open(false); };
    document.addEventListener('pointerdown', outside);
    entries(root.current)[0]?.focus();
    return () => document.removeEventListener('pointerdown', outside);
  }, [isOpen]);
  const close = () => { open(false); root.current.querySelector('button').focus(); };
  const pick = item => { close(); item.onAct?.(); };
  return html`<div class="menu" ref=${root} onKeyDown=${event => isOpen && steer(event, root.current, close)}>
    <button type="button" class=${small ? 'quiet small' : ''} aria-label=${label} aria-haspopup="menu" aria-expanded=${isOpen} aria-controls=${isOpen ? id : undefined} onClick=${() => open(!isOpen)}><${Icon} name="more" /></button>
    ${isOpen && html`<div class="menu-items" role="menu" id=${id} aria-label=${label}>${shown.map(item => html`<${Entry} key=${item.label} item=${item} pick=${pick} />`)}</div>`}</div>`;
}

function Entry({ item, pick }) {
  const looks = item.danger ? 'danger' : '';
  const inner = html`${item.icon && html`<${Icon} name=${item.icon} />`}<span>${item.label}</span>`;
  return item.href ? html`<a role="menuitem" tabindex="-1" class=${looks} href=${item.href} onClick=${() => pick({})}>${inner}</a>`
    : html`<button type="button" role="menuitem" tabindex="-1" class=${looks} title=${item.title} onClick=${() => pick(item)}>${inner}</button>`;
}

const entries = root => [...(root?.querySelectorAll('[role=menuitem]') || [])];

function steer(event, root, close) {
  const all = entries(root);
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + (at < 1 ? all.length : 0), Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) all[to % all.length]?.focus();
  else if (event.key === 'Escape' || event.key === 'Tab') close();
  else if (event.key.length === 1) all.find(each => each.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
  else return;
  if (event.key !== 'Tab') event.preventDefault();
  event.stopPropagation();
}
