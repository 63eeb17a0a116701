/** The tasks of a job as they were placed on nodes, with their events: for support. */
import { html } from '../../core/html.js';
import { get } from '../../core/api.js';
import { clock } from '../../core/formats.js';
import { Empty, Failed, Skeleton, useLoad } from '../../core/page.js';
import { href } from '../../core/route.js';
import { t } from '../../core/words.js';
import { jobPath } from './requests.js';

const ms = nanoseconds => nanoseconds / 1e6;

export default function Allocations({ job }) {
  const { data, error, loading, retry } = useLoad(({ signal }) => get(jobPath(job.ID, '/allocations?all=true'), { signal }), [job.ID, job.ModifyIndex]);
  if (error && !data) return html`<section class="card pad"><${Failed} error=${error} retry=${retry} /></section>`;
  if (!data) return html`<section class="card pad">${loading && html`<${Skeleton} rows=${4} />`}</section>`;
  if (!data.length) return html`<section class="card"><${Empty} title=${t('job.no_allocations')} /></section>`;
  const newest = [...data].sort((a, b) => b.CreateTime - a.CreateTime);
  return html`<section class="card allocations" aria-labelledby="allocations"><header><h2 id="allocations">${t('job.tab.allocations')}</h2></header>
    <ul>${newest.map(each => html`<${Allocation} key=${each.ID} allocation=${each} />`)}</ul></section>`;
}

function Allocation({ allocation: each }) {
  const events = Object.values(each.TaskStates ?? {}).flatMap(state => state.Events ?? []);
  return html`<li><p><b>${each.Task}</b> <code>${each.ID}</code></p>
    <dl class="evidence"><dt>${t('job.allocation.status')}</dt><dd lang="en">${each.ClientStatus}${each.DesiredStatus !== each.ClientStatus && html` (${each.DesiredStatus})`}</dd>
      <dt>${t('job.allocation.node')}</dt><dd><a href=${href('nodes', each.NodeID)}><code>${each.NodeID}</code></a></dd>
      <dt>${t('job.allocation.created')}</dt><dd><time>${clock(ms(each.CreateTime), { seconds: true })}</time></dd>
      ${each.ClientDescription && html`<dt>${t('job.allocation.description')}</dt><dd lang="en">${each.ClientDescription}</dd>`}</dl>
    ${events.length > 0 && html`<details><summary>${t('job.allocation.events', { n: events.length })}</summary><ul class="task-events">${[...events].reverse().map(event => html`<li>
      <time>${clock(ms(event.Time), { seconds: true })}</time> <b lang="en">${event.Type}</b> <span lang="en">${[event.Message, event.DriverError, event.DriverMessage, event.RestartReason, event.KillReason].filter(Boolean).join(' · ')}</span></li>`)}</ul></details>`}</li>`;
}
