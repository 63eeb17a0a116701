// Subscriptions: those furthest behind first, and who may read the node's own streams.

import { html, useRef } from '../core/html.js';
import { useKeys } from '../core/keys.js';
import { t } from '../core/words.js';
import { lag, num, rate } from '../core/formats.js';
import { Empty, Failed, Skeleton, usePage } from '../core/page.js';
import { href } from '../core/route.js';
import { State } from '../core/states.js';
import { failed, jobs, loaded, readJobs } from '../core/store.js';
import { Icon } from '../core/icons.js';
import { canWrite } from '../core/session.js';
import { walk } from './walk.js';
import { Users } from './subscriptions/users.js';

/** What needs somebody first, then the furthest behind; what has not said how far comes last. */
export function inOrder(all) {
  const trouble = job => (job.NeedsYou ? 0 : job.Group === 'healing' ? 1 : 2);
  return all.filter(job => job.Type === 'subscribe').sort((a, b) => trouble(a) - trouble(b)
    || (b.LagMs ?? -1) - (a.LagMs ?? -1) || a.ID.localeCompare(b.ID));
}

export default function Subscriptions() {
  const heading = usePage(t('subscriptions.title'));
  const all = inOrder([...jobs.value.values()]);
  return html`<div class="head"><div><h1 ref=${heading}>${t('subscriptions.title')}</h1>
      <p class="soft">${t('subscriptions.intro')}</p></div>
      ${canWrite.value && html`<div class="acts"><a class="button" href=${href('new', 'servers')}><${Icon} name="plus" />${t('subscriptions.new')}</a></div>`}</div>
    <div class="stack"><section class="card subscriptions" aria-label=${t('subscriptions.list')}>
      ${failed.value && html`<${Failed} error=${failed.value} retry=${readJobs} />`}
      ${!loaded.value ? html`<${Skeleton} rows=${4} height=${56} />` : all.length ? html`<${List} all=${all} />`
    : html`<${Empty} title=${t('subscriptions.none')}><p>${t('subscriptions.none.how')}</p><code>udup job run orders.json</code><//>`}
    </section><${Users} /></div>`;
}

function List({ all }) {
  const list = useRef(null);
  useKeys(walk(list, 'a.link'));
  return html`<table ref=${list}><caption class="hidden">${t('subscriptions.list')}</caption><thead><tr>
    <th scope="col">${t('subscriptions.state')}</th><th scope="col">${t('subscriptions.name')}</th>
    <th scope="col" class="num">${t('subscriptions.behind')}</th><th scope="col" class="num wide">${t('subscriptions.rate')}</th>
    <th scope="col" class="num wide">${t('subscriptions.tables')}</th></tr></thead>
  <tbody>${all.map(job => html`<tr key=${job.ID}><td><${State} state=${job.Shown} since=${job.ShownSince} /></td>
    <td class="wrap"><a class="link" href=${href('subscriptions', job.ID)}>${job.Name}</a>
      <div class="soft small ends"><span>${job.Source}</span><${Icon} name="arrow" /><span class="hidden">${t('subscriptions.to')}</span><span>${job.Target}</span></div>
      ${job.Reason && html`<div class="small" lang="en">${job.Reason}</div>`}</td>
    <td class="num">${lag(job.LagMs)}</td><td class="num wide">${rate(job.RowsPerSecond)}</td>
    <td class="num wide">${num(job.Tables)}</td></tr>`)}</tbody></table>`;
}
