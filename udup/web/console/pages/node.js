// One node: how it is, which jobs it holds, what it carries out; draining it.
import { html } from '../core/html.js';
import { get, send } from '../core/api.js';
import { Icon } from '../core/icons.js';
import { Empty, Failed, Skeleton, useLoad, usePage } from '../core/page.js';
import { href } from '../core/route.js';
import { State } from '../core/states.js';
import { jobs } from '../core/store.js';
import { has, t } from '../core/words.js';
import { ActButton } from '../parts/button.js';
import { Copy } from '../parts/copy.js';
import { confirm } from '../parts/dialog.js';
import { Ago } from '../parts/time.js';
import { readNodes } from './nodes/read.js';
import { NodeState } from './nodes/state.js';

/** Allocations that are listed: a node keeps those of ended runs too. */
const MOST = 200;

async function readNode(id, options) {
  const [nodes, node] = await Promise.all([readNodes(options), get(`node/${id}`, options)]);
  return { ...nodes.find(each => each.ID === id), ...node, isAlone: nodes.length === 1 };
}

export default function Node({ id }) {
  const { data: node, error, loading, retry } = useLoad(options => readNode(id, options), [id]);
  const heading = usePage(node?.Name || t('nodes.node'));
  const mine = [...jobs.value.values()].filter(job => node && job.Node === node.Name);
  return html`<p class="crumb"><a href=${href('nodes')}>${t('nodes.title')}</a> / ${node?.Name || id.slice(0, 8)}</p>
    <div class="head"><div class="title"><h1 ref=${heading}>${node?.Name || t('nodes.node')}</h1>${node?.state && html`<${NodeState} state=${node.state} />`}</div>
      <div class="acts">${node && !node.isAlone && html`<${Drain} node=${node} count=${mine.length} done=${retry} />`}</div></div>
    ${error ? html`<div class="card"><${Failed} error=${error} retry=${retry} /></div>` : !node ? loading && html`<div class="card"><${Skeleton} rows=${6} /></div>`
      : html`<div class="stack"><${Facts} node=${node} /><${Held} list=${mine} /><${Allocations} id=${id} /></div>`}`;
}

function Facts({ node }) {
  const facts = [['nodes.why', node.StatusDescription], ['nodes.place', node.Datacenter], ['nodes.version', node.version], ['nodes.address', node.HTTPAddr || node.address], ['nodes.nats', node.NatsAddr]];
  return html`<div class="card pad"><dl class="facts"><dt>${t('nodes.id')}</dt><dd><code>${node.ID}</code> <${Copy} text=${node.ID} /></dd>
    ${facts.filter(([, value]) => value).map(([key, value]) => html`<dt key=${key}>${t(key)}</dt><dd key=${`${key}-value`}>${value}</dd>`)}</dl>
    ${node.here && html`<p class="small"><a href=${href('processes')}>${t('nodes.processes')}</a></p>`}</div>`;
}

const Held = ({ list }) => html`<section class="card"><header><h2>${t('nodes.jobs_of')}</h2><span class="faint">${list.length}</span></header>
  ${list.length ? html`<ul class="lines">${list.map(job => html`<li key=${job.ID}><${State} state=${job.Shown} since=${job.ShownSince} /><a class="name" href=${href('jobs', job.ID)}>${job.Name || job.ID}</a></li>`)}</ul>` : html`<${Empty} title=${t('nodes.no_jobs')} />`}</section>`;

/** Return what the node carries out now, and the newest of what it has carried out. */
async function readAllocations(id, options) {
  const mine = (await get('allocations', options)).filter(each => each.NodeID === id);
  const isRunning = each => each.ClientStatus === 'running';
  return mine.sort((a, b) => isRunning(b) - isRunning(a) || b.ModifyIndex - a.ModifyIndex).slice(0, MOST);
}

function Allocations({ id }) {
  const { data, error, loading, retry } = useLoad(options => readAllocations(id, options), [id]);
  return html`<section class="card"><header><h2>${t('nodes.allocations')}</h2><span class="small soft">${t('nodes.allocations_text')}</span></header>
    ${error ? html`<${Failed} error=${error} retry=${retry} />` : !data ? loading && html`<${Skeleton} rows=${3} />` : !data.length ? html`<${Empty} title=${t('nodes.no_allocations')} />`
      : html`<table class="cards"><thead><tr><th scope="col">${t('nodes.job')}</th><th scope="col">${t('nodes.task')}</th><th scope="col">${t('nodes.state')}</th><th scope="col">${t('nodes.since')}</th><th scope="col">${t('nodes.id')}</th></tr></thead>
        <tbody>${data.map(each => html`<tr key=${each.ID}><td class="wrap"><a class="name" href=${href('jobs', each.JobID)}>${each.JobID}</a></td><td>${each.Task}</td><td>${has(`nodes.status_${each.ClientStatus}`) ? t(`nodes.status_${each.ClientStatus}`) : each.ClientStatus}</td>
          <td><${Ago} at=${each.CreateTime / 1e6} /></td><td class="mono small">${each.ID.slice(0, 8)}</td></tr>`)}</tbody></table>`}</section>`;
}

/** Draining moves the node's jobs to others. */
function Drain({ node, count, done }) {
  const drain = async () => {
    const enable = !node.Drain;
    const sure = !enable || await confirm({ title: t('nodes.drain_title', { name: node.Name }), body: [t('nodes.drain_body', { n: count })], act: t('nodes.drain_act'), command: `udup cluster drain ${node.Name}` });
    if (!sure) return;
    await send('PUT', `node/${node.ID}/drain?enable=${enable}`);
    done();
  };
  return html`<${ActButton} label=${t(node.Drain ? 'nodes.drain_end' : 'nodes.drain')} busy=${t('nodes.draining_now')} danger="changes" command=${`udup cluster drain ${node.Name}${node.Drain ? ' --off' : ''}`} icon=${html`<${Icon} name="moved" />`} onAct=${drain} />`;
}
