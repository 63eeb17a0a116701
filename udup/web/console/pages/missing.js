// An address that no page has.
import { html } from '../core/html.js';
import { usePage } from '../core/page.js';
import { href } from '../core/route.js';
import { t } from '../core/words.js';

export function Missing() {
  const heading = usePage(t('page.missing'));
  return html`<div class="stack"><h1 ref=${heading}>${t('page.missing')}</h1><p class="soft">${t('page.missing_text')}</p>
    <p><a href=${href('jobs')}>${t('page.to_jobs')}</a></p></div>`;
}
