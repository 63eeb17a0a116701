// The node does not answer when the page is opened: what to do, and other nodes that were known here.
import { html, useEffect } from '../core/html.js';
import { Icon } from '../core/icons.js';
import { kept } from '../core/kept.js';
import { textOf } from '../core/page.js';
import { title } from '../core/title.js';
import { t } from '../core/words.js';

export function Unreachable({ error, retry }) {
  const refused = error.status === 403;
  const heading = t(refused ? 'page.host_refused' : 'page.unreachable');
  useEffect(() => { title.value = heading; }, [heading]);
  const others = known().filter(each => each !== location.host);
  return html`<main class="entry"><div class="card"><div><p class="brand"><${Icon} name="logo" />Udup</p><h1>${heading}</h1>
    <p class="wrap" role="alert">${textOf(error)}</p>
    <p class="soft">${refused ? t('page.host_text') : t('page.unreachable_text', { host: location.host })}</p>
    ${others.length > 0 && html`<div><p class="soft">${t('page.other_nodes')}</p><ul>${others.map(host => html`<li key=${host}><a class="link" href=${`${location.protocol}//${host}${location.pathname}${location.hash}`}>${host}</a></li>`)}</ul></div>`}
    <button type="button" class="primary" onClick=${retry}>${t('page.try_again')}</button></div></div></main>`;
}

function known() {
  try { return JSON.parse(kept.get('nodes') || '[]'); } catch { return []; }
}
