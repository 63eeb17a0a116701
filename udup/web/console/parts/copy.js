// Copying to the clipboard, also where the page is not served by HTTPS or loopback and the browser has no clipboard.
import { html, useEffect, useState } from '../core/html.js';
import { Icon } from '../core/icons.js';
import { t } from '../core/words.js';

/** Put a text into the clipboard; return whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    field.className = 'hidden';
    (document.querySelector('dialog[open]') || document.body).append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  }
}

/** A button that copies a text and says so. `label`: what is copied, for those who do not see what stands beside. */
export function Copy({ text, label = '', word = '' }) {
  const [said, say] = useState('');
  useEffect(() => {
    if (!said) return undefined;
    const timer = setTimeout(() => say(''), 2000);
    return () => clearTimeout(timer);
  }, [said]);
  const act = async () => say(await copy(text) ? t('copy.done') : t('copy.failed'));
  const name = `${t('copy.copy')}: ${label || text}`;
  return html`<button type="button" class="quiet small copy" aria-label=${word ? undefined : name.slice(0, 120)} title=${word ? undefined : t('copy.copy')} onClick=${act}>
    <${Icon} name=${said ? 'connected' : 'copy'} />${word && html`<span>${said || word}</span>`}<span class="hidden" role="status">${said}</span></button>`;
}
