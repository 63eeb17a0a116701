// One subscription: how far it is behind, where it stands, what passes.

import { html, useState } from '../core/html.js';
import { t } from '../core/words.js';
import { send } from '../core/api.js';
import { bytes, gtid, lag, num, rate } from '../core/formats.js';
import { Failed, Skeleton, usePage } from '../core/page.js';
import { href } from '../core/route.js';
import { State } from '../core/states.js';
import { jobs, useJob } from '../core/store.js';
import { canWrite } from '../core/session.js';
import { ActButton } from '../parts/button.js';
import { Copy } from '../parts/copy.js';
import { confirm } from '../parts/dialog.js';
import { Field } from '../parts/field.js';
import { jobPath, quoted } from './follow.js';
import { Tail } from './subscriptions/tail.js';

export default function Subscription({ id }) {
  const brief = jobs.value.get(id);
  const { job, error, loading } = useJob(id);
  const name = job?.Name ?? brief?.Name ?? id;
  const heading = usePage(name);
  return html`<div class="head"><div><p class="crumb"><a href=${href('subscriptions')}>${t('subscriptions.title')}</a> / ${id}</p>
      <div class="title"><h1 ref=${heading}>${name}</h1>${brief && html`<${State} state=${brief.Shown} since=${brief.ShownSince} pill />`}</div></div>
      <div class="acts"><a class="button" href=${href('jobs', id)}>${t('subscription.job')}</a></div></div>
    ${error && html`<${Failed} error=${error} />`}
    ${!job ? loading && html`<${Skeleton} rows=${5} />` : html`<div class="stack">
      <${Facts} job=${job} brief=${brief} />
      <${Tail} id=${id} tables=${tablesOf(job)} />
      ${canWrite.value && html`<${Again} id=${id} tables=${tablesOf(job)} />`}</div>`}`;
}

const tablesOf = job => Object.keys(job.Progress?.events_by_table ?? {}).sort();

function sinkOf(job) {
  const sink = job.Tasks.find(task => task.Type === 'Dest');
  const config = sink?.Config ?? {};
  const stream = config.NatsConfig?.Stream || (sink?.Driver === 'NATS' && config.Prefix ? `UDUP_${config.Prefix}` : '');
  return { driver: sink?.Driver ?? '', prefix: config.Prefix || config.KafkaConfig?.Topic || '', stream };
}

function Facts({ job, brief }) {
  const progress = job.Progress ?? {};
  const sink = sinkOf(job);
  const position = gtid(progress.applied_gtid);
  const events = Object.values(progress.events ?? {}).reduce((sum, n) => sum + n, 0);
  return html`<section class="card" aria-label=${t('subscription.facts')}><dl class="kpis">
      <div><dt>${t('subscriptions.behind')}</dt><dd class="figure">${lag(progress.lag_ms ?? brief?.LagMs)}</dd></div>
      <div><dt>${t('subscription.events')}</dt><dd class="figure">${num(progress.events ? events : null)}</dd><dd class="soft small">${t('subscription.in_this_run')}</dd></div>
      <div><dt>${t('subscription.rate')}</dt><dd class="figure">${rate(progress.events_per_s)}</dd><dd class="soft small">${t('subscription.bytes', { n: bytes(progress.delivered_bytes_per_s) })}</dd></div>
      <div><dt>${t('subscription.messages')}</dt><dd class="figure">${num(progress.delivered_messages)}</dd><dd class="soft small">${bytes(progress.delivered_bytes)}</dd></div></dl>
    <dl class="facts pad"><dt>${t('subscription.source')}</dt><dd>${brief?.Source ?? '–'}</dd>
      <dt>${t('subscription.sink')}</dt><dd>${sink.driver} ${sink.stream && html`<code>${sink.stream}</code>`} <code>${sink.prefix}.…</code></dd>
      <dt>${t('subscription.position')}</dt><dd><code title=${position.whole}>${position.short}</code> ${position.whole && html`<${Copy} text=${position.whole} label=${t('subscription.position')} />`}</dd></dl></section>`;
}

/** All rows of a table once more, while its changes go on. */
function Again({ id, tables }) {
  const [table, setTable] = useState('');
  const [done, setDone] = useState('');
  const command = `udup job snapshot ${quoted(id)} ${table ? quoted(table) : 'SCHEMA.TABLE'}`;
  const act = async () => {
    setDone('');
    const body = [t('subscription.again.what', { table }), t('subscription.again.consumers')];
    if (!await confirm({ title: t('subscription.again.title', { table }), body, danger: 'changes', command, act: t('subscription.again.act') })) return;
    await send('POST', `${jobPath(id, 'snapshot')}?table=${encodeURIComponent(table)}`);
    setDone(t('subscription.again.done', { table }));
  };
  return html`<section class="card" aria-labelledby="again"><header><h2 id="again">${t('subscription.again')}</h2></header><div class="pad stack tight">
    <p class="soft">${t('subscription.again.intro')}</p><div class="row again">
    <${Field} label=${t('subscription.again.table')}>${ties => html`<input ...${ties} list="again-tables" autocomplete="off" spellcheck="false" placeholder="shop.orders"
      value=${table} onInput=${event => setTable(event.currentTarget.value.trim())} />`}<//>
    <datalist id="again-tables">${tables.map(each => html`<option key=${each} value=${each}></option>`)}</datalist>
    <${ActButton} label=${t('subscription.again.button')} busy=${t('subscription.again.busy')} disabled=${!/.\../.test(table)} onAct=${act} /></div>
    <p role="status">${done}</p></div></section>`;
}
