// Keys for those who like them. None of them changes anything on the server, and none acts while a field has the focus.
import { signal, useEffect } from './html.js';
import { kept } from './kept.js';

/** Whether single letters act (Settings turns them off). */
export const letters = signal(kept.get('letters') !== 'off');

const listeners = [];
let begun = '';
let begunAt = 0;

/** Let keys act while the component is there: {'j': fn, 'g s': fn, 'Escape': fn}. A `fn` that returns false has not acted. */
export function useKeys(keys) {
  useEffect(() => {
    listeners.unshift(keys);
    return () => { listeners.splice(listeners.indexOf(keys), 1); };
  });
}

const isTyping = target => target.closest?.('input:not([type=checkbox],[type=radio]), textarea, select, [contenteditable]');

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector('dialog[open]') || isTyping(event.target)) return;
  const single = event.key.length === 1;
  if (single && !letters.value) return;
  const pair = begun && performance.now() - begunAt < 1500 ? `${begun} ${event.key}` : '';
  begun = '';
  if (act(pair, event) || act(event.key, event)) return;
  if (single && listeners.some(keys => Object.keys(keys).some(key => key.startsWith(`${event.key} `)))) {
    begun = event.key;
    begunAt = performance.now();
  }
}

function act(key, event) {
  const fn = key && listeners.find(keys => key in keys)?.[key];
  if (!fn || fn(event) === false) return false;
  event.preventDefault();
  return true;
}

addEventListener('keydown', pressed);
