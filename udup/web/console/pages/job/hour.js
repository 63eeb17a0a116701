/** The last hour of a job: its lag and rows/s with what happened, and beside it the newest events in words. */
import { html, useMemo, useState } from '../../core/html.js';
import { clock, lag, num, rate } from '../../core/formats.js';
import { Icon } from '../../core/icons.js';
import { Failed, Skeleton } from '../../core/page.js';
import { href } from '../../core/route.js';
import { t } from '../../core/words.js';
import { Chart, highest } from '../../parts/chart.js';
import { iconOf, sentence, toneOf } from './timeline.js';

/** Events beside the chart. */
const NEWEST = 4;

export function Hour({ job, hour, line }) {
  return html`<div class="two"><${Lines} job=${job} hour=${hour} entries=${line.entries} /><${Newest} id=${job.ID} line=${line} /></div>`;
}

function Lines({ job, hour: { series, error }, entries }) {
  const [asTable, setAsTable] = useState(false);
  const copies = job.Stage === 'copying';
  const rows = { name: t('job.rows_s'), values: series?.RowsPerSecond ?? [], format: num, axis: 'right', dashed: true, least: 10 };
  const lines = copies ? [rows] : [{ name: t('job.lag'), values: series?.LagMs ?? [], format: lag, tick: lagTick, axis: 'left', least: 1000 }, rows];
  const marks = useMemo(() => marksOf(entries ?? [], series), [entries, series]);
  return html`<section class="card" aria-labelledby="hour">
    <header><h2 id="hour">${t(copies ? 'job.chart_copy' : 'job.chart')}</h2>
      <p class="chart-legend" aria-hidden="true">${lines.map(each => html`<span class=${each.dashed ? 'l2' : 'l1'}><i></i>${each.name}</span>`)}</p>
      <button class="quiet" aria-pressed=${asTable} onClick=${() => setAsTable(!asTable)}><${Icon} name="table" />${t('job.as_table')}</button></header>
    ${error ? html`<${Failed} error=${error} />` : !series ? html`<${Skeleton} rows=${1} height=${216} />`
      : html`<${Chart} label=${said(job, series, copies)} times=${series.times} lines=${lines} marks=${marks} asTable=${asTable} />`}
  </section>`;
}

const lagTick = ms => (ms === 0 ? '0' : lag(ms));

/** The chart in a sentence. */
function said(job, series, copies) {
  if (copies) return t('job.chart_said_copy', { now: rate(series.RowsPerSecond.at(-1)), most: rate(highest(series.RowsPerSecond)) });
  return t('job.chart_said', { now: lag(job.Progress.lag_ms), most: lag(highest(series.LagMs)), rows: rate(series.RowsPerSecond.at(-1)) });
}

function marksOf(entries, series) {
  if (!series) return [];
  const from = series.times[0];
  return entries.map(entry => ({ at: Date.parse(entry.Time), icon: iconOf(entry.Kind), tone: toneOf(entry.Kind), text: sentence(entry) })).filter(mark => mark.at >= from);
}

function Newest({ id, line: { entries, error } }) {
  return html`<section class="card newest" aria-labelledby="newest"><header><h2 id="newest">${t('job.events')}</h2><a class="link" href=${href('jobs', id, 'events')}>${t('job.all_events')}</a></header>
    ${error ? html`<${Failed} error=${error} />` : !entries ? html`<${Skeleton} rows=${NEWEST} />`
      : entries.length ? html`<ul class="events">${entries.slice(-NEWEST).reverse().map(entry => html`<${Entry} key=${entry.Number} entry=${entry} />`)}</ul>`
      : html`<p class="none">${t('job.no_events')}</p>`}</section>`;
}

export function Entry({ entry, seconds = false }) {
  return html`<li><${Icon} name=${iconOf(entry.Kind)} class=${`tone-${toneOf(entry.Kind)}`} /><span class="text">${sentence(entry)}</span>
    <time datetime=${entry.Time} title=${entry.Time}>${clock(entry.Time, { seconds })}</time></li>`;
}
