// The nodes: those that are not heard first, and what becomes of their jobs.
import { html, useEffect } from '../core/html.js';
import { bytes, num } from '../core/formats.js';
import { watch } from '../core/live.js';
import { Failed, Skeleton, useLoad, usePage } from '../core/page.js';
import { href } from '../core/route.js';
import { jobs } from '../core/store.js';
import { t } from '../core/words.js';
import { Command } from '../parts/command.js';
import { Health } from './nodes/health.js';
import { readMemory, readNodes } from './nodes/read.js';
import { NodeState } from './nodes/state.js';

export default function Nodes() {
  const heading = usePage(t('nodes.title'));
  const nodes = useLoad(readNodes, []);
  const memory = useLoad(options => (nodes.data ? readMemory(nodes.data.filter(node => node.state !== 'down' && node.state !== 'left'), options) : {}), [nodes.data]);
  useEffect(() => watch('nodes', nodes.retry), []);
  return html`<div class="head"><h1 ref=${heading}>${t('nodes.title')}</h1></div>
    <div class="stack"><div class="card">${nodes.error ? html`<${Failed} error=${nodes.error} retry=${nodes.retry} />`
      : nodes.data ? html`<${List} nodes=${nodes.data} memory=${memory.data || {}} />` : nodes.loading && html`<${Skeleton} rows=${3} height=${56} />`}</div>
      ${nodes.data?.length === 1 && html`<div class="card pad stack tight"><p class="soft">${t('nodes.alone')}</p><${Command} text="udup cluster init" /></div>`}
      <section class="card"><header><h2>${t('nodes.health')}</h2></header><${Health} /></section></div>`;
}

function List({ nodes, memory }) {
  const held = [...jobs.value.values()].reduce((counts, job) => ({ ...counts, [job.Node]: (counts[job.Node] || 0) + 1 }), {});
  return html`<table class="cards"><caption class="hidden">${t('nodes.caption')}</caption>
    <thead><tr><th scope="col">${t('nodes.node')}</th><th scope="col">${t('nodes.state')}</th><th scope="col" class="num">${t('nodes.jobs')}</th><th scope="col" class="num">${t('nodes.memory')}</th><th scope="col">${t('nodes.version')}</th><th scope="col">${t('nodes.address')}</th></tr></thead>
    <tbody>${nodes.map(node => html`<${NodeRow} key=${node.ID} node=${node} count=${held[node.Name] || 0} memory=${memory[node.ID]} />`)}</tbody></table>`;
}

function NodeRow({ node, count, memory }) {
  return html`<tr><td><a class="name" href=${href('nodes', node.ID)}><b>${node.Name}</b></a> ${node.here && html`<span class="tag info">${t('nodes.this')}</span>`} ${node.leads && html`<span class="tag">${t('nodes.leads')}</span>`} ${node.Drain && html`<span class="tag warn">${t('nodes.draining')}</span>`}
      <p class="small faint">${node.Datacenter}</p></td>
    <td><${NodeState} state=${node.state} />${node.StatusDescription && html`<p class="small soft wrap">${node.StatusDescription}</p>`}${node.state === 'down' && count > 0 && html`<p class="small soft">${t('nodes.jobs_of_lost')}</p>`}</td>
    <td class="num" data-label=${t('nodes.jobs')}>${num(count)}</td><td class="num" data-label=${t('nodes.memory')}>${bytes(memory)}</td><td data-label=${t('nodes.version')}>${node.version || '–'}</td><td class="mono small nowrap" data-label=${t('nodes.address')}>${node.address || '–'}</td></tr>`;
}
