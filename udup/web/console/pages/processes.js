// The actors of a node: a tree with memory, age and restarts; their stacks, and an end as a drill.
import { html, useEffect, useState } from '../core/html.js';
import { get, raw, send } from '../core/api.js';
import { now } from '../core/clock.js';
import { bytes, clock } from '../core/formats.js';
import { Empty, Failed, Skeleton, textOf, useLoad, usePage } from '../core/page.js';
import { setQuery } from '../core/route.js';
import { self } from '../core/session.js';
import { t } from '../core/words.js';
import { Copy } from '../parts/copy.js';
import { confirm, Dialog } from '../parts/dialog.js';
import { roleOf, Tree } from './processes/grid.js';
import { treeOf } from './processes/tree.js';

/** Milliseconds between two looks while the page is seen. */
const LOOK_MS = 10_000;

export default function Processes({ query }) {
  const heading = usePage(t('processes.title'));
  const [stacks, showStacks] = useState(null);
  const [problem, setProblem] = useState(null);
  const nodes = useLoad(options => get('nodes', options), []);
  const { data, error, loading, retry } = useLoad(async options => ({ actors: await get(query.node ? `agent/actors?node=${encodeURIComponent(query.node)}` : 'agent/actors', options), at: now() }), [query.node]);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) retry(); }, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const kill = async actor => {
    setProblem(null);
    const names = { role: roleOf(actor.Role), pid: String(actor.Pid) };
    const body = [t('processes.kill_body'), ...(actor.JobID ? [t('processes.kill_job', { job: actor.JobID })] : [])];
    if (!await confirm({ title: t('processes.kill_title', names), body, danger: 'loses', command: `udup admin kill ${actor.Pid}`, act: t('processes.kill_act') })) return;
    try { await send('PUT', `agent/actor/${actor.Pid}/kill`); } catch (found) { setProblem(found); }
    retry();
  };
  const isElsewhere = Boolean(query.node);
  const others = (nodes.data || []).filter(node => node.Name !== self.value?.config?.NodeName);
  return html`<div class="head"><h1 ref=${heading}>${t('processes.title')}</h1><div class="acts"><button type="button" onClick=${retry}>${t('processes.refresh')}</button></div></div>
    <p class="soft lead">${t('processes.text')}</p>
    ${others.length > 0 && html`<label class="row lead"><span class="small">${t('processes.node')}</span><select value=${query.node || ''} onChange=${event => setQuery({ node: event.target.value })}><option value="">${t('nodes.this')}</option>${others.map(node => html`<option key=${node.ID} value=${node.ID}>${node.Name}</option>`)}</select></label>`}
    ${problem && html`<p class="act-error" role="alert">${textOf(problem)}</p>`}
    <div class="card">${error && !data ? html`<${Failed} error=${error} retry=${retry} />` : !data ? loading && html`<${Skeleton} rows=${8} />` : !data.actors.length ? html`<${Empty} title=${t('processes.none')} />`
      : html`<${Tree} key=${query.node} rows=${treeOf(data.actors, data.at / 1000)} onStacks=${isElsewhere ? null : showStacks} onKill=${isElsewhere ? null : kill} />
        <footer>${t('processes.total', { n: data.actors.length, b: bytes(data.actors.reduce((total, actor) => total + actor.Rss, 0)) })} · ${t('processes.seen', { time: clock(data.at, { seconds: true }) })}${error && ` · ${textOf(error)}`}</footer>`}</div>
    ${stacks && html`<${Stacks} actor=${stacks} onClose=${() => showStacks(null)} />`}`;
}

function Stacks({ actor, onClose }) {
  const { data, error, loading, retry } = useLoad(async options => (await raw(`agent/actor/${actor.Pid}/stacks`, { ...options, accept: 'text/plain' })).text(), [actor.Pid]);
  return html`<${Dialog} wide title=${t('processes.stacks_of', { role: roleOf(actor.Role), pid: String(actor.Pid) })} onClose=${onClose}>
    ${error ? html`<${Failed} error=${error} retry=${retry} />` : data === undefined ? loading && html`<${Skeleton} rows=${6} height=${18} />` : html`<pre tabindex="0" role="region" aria-label=${t('processes.stacks')}>${data}</pre><${Copy} text=${data} label=${t('processes.stacks')} word=${t('copy.copy')} />`}</${Dialog}>`;
}
