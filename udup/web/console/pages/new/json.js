/** The job as JSON: exactly what will be posted. Passwords that are written out are hidden until they are asked for. */
import { html, useState } from '../../core/html.js';
import { t } from '../../core/words.js';
import { Copy } from '../../parts/copy.js';
import { hasSecrets, postOf, withoutSecrets } from './document.js';
import { draft } from './draft.js';

export function Json() {
  const { document, index } = draft.value;
  const [open, setOpen] = useState(false);
  const secret = hasSecrets(document);
  const shown = secret && !open ? withoutSecrets(document, '******') : document;
  const text = JSON.stringify(postOf(shown, index), null, 2);
  return html`<section class="card json"><header><h2>${t('wizard.json')}</h2><span class="faint small"><code>POST /v1/jobs</code>
    </span><div class="grow"></div>
      ${secret && html`<label class="check"><input type="checkbox" checked=${open}
        onChange=${(event) => setOpen(event.currentTarget.checked)} /><span>${t('wizard.json.passwords')}</span></label>`}
      <${Copy} text=${text} label=${t('wizard.json')} /></header>
    <pre class="pad" tabindex="0" role="region" aria-label=${t('wizard.json')}>${text}</pre></section>`;
}
