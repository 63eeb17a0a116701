// Whether this node can do its work; if not, why.
import { html } from '../../core/html.js';
import { raw } from '../../core/api.js';
import { Icon } from '../../core/icons.js';
import { Failed, Skeleton, useLoad } from '../../core/page.js';
import { has, t } from '../../core/words.js';

/** Return the node's health; one that is not ready answers with 503 and says why. */
export async function readHealth(options) {
  try {
    return await (await raw('health', options)).json();
  } catch (error) {
    if (error.status !== 503) throw error;
    try { return JSON.parse(error.text); } catch { return { Ready: false, Problems: [error.text], Reconnecting: {} }; }
  }
}

/** Health with reasons. */
export function Health() {
  const { data, error, loading, retry } = useLoad(readHealth, []);
  if (error) return html`<${Failed} error=${error} retry=${retry} />`;
  if (!data) return loading && html`<${Skeleton} rows=${2} />`;
  const waits = Object.entries(data.Reconnecting || {}).filter(([, count]) => count);
  return html`<div class="pad stack tight">
    ${data.Ready ? html`<p class="note"><${Icon} name="running" class="ok" /><span>${t('nodes.health_ready')}</span></p>`
      : html`<p class="note"><${Icon} name="failed" class="bad" /><span><b>${t('nodes.health_problem')}</b></span></p>
        <ul class="small">${(data.Problems || []).map(text => html`<li key=${text} class="wrap">${text}</li>`)}</ul>`}
    ${waits.map(([what, count]) => html`<p key=${what} class="note"><${Icon} name="reconnecting" class="warn" /><span>${t('nodes.reconnecting', { n: count, what: has(`jobs.wait_${what}`) ? t(`jobs.wait_${what}`) : what })}</span></p>`)}</div>`;
}
