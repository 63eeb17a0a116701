/** Four figures of a job: those that count in the stage that it is in. */
import { html } from '../../core/html.js';
import { bytes, clock, dur, gtid, lag, num, percent } from '../../core/formats.js';
import { tick } from '../../core/clock.js';
import { has, t } from '../../core/words.js';
import { highest } from '../../parts/chart.js';
import { missing } from './gtids.js';

const figure = (name, value, unit = '', note = '') => ({ name: t(name), value, unit, note });

export function Figures({ job, series, comparison }) {
  tick.value;
  const found = figuresOf(job, series, comparison), stale = job.Shown === 'not_heard';
  return html`<dl class=${`card figures ${stale ? 'stale' : ''}`}>${found.map(each => html`<div key=${each.name}><dt>${each.name}</dt>
    <dd>${each.value}${each.unit && html` <small>${each.unit}</small>`}</dd><dd class="beside">${each.note}</dd></div>`)}</dl>`;
}

function figuresOf(job, series, comparison) {
  const progress = job.Progress;
  if (job.Stage === 'copying') return copying(progress);
  const stopped = ['diverged', 'failed', 'paused', 'completed'].includes(job.Shown);
  const compared = comparedFigure(job, comparison);
  if (job.Type === 'subscribe') return subscribing(job, series);
  if (stopped) return [lagFigure(job, series), appliedUpTo(progress), waitingOnSource(progress), compared];
  return [lagFigure(job, series), figure('job.applied', num(progress.rows_per_s), t('job.rows_s'), t('job.applied_note', { tx: num(progress.tx_per_s), bytes: `${bytes(progress.bytes_per_s)}/s` })),
    figure('job.waiting', num(progress.waiting), t('job.transactions', { n: progress.waiting ?? 0 }), t('job.window', { fill: percent((progress.buffer_fill ?? null) === null ? null : progress.buffer_fill * 100) })), compared];
}

function copying(progress) {
  const share = progress.copy_total_rows ? (progress.copied_rows / progress.copy_total_rows) * 100 : null;
  const key = `job.copy_phase.${(progress.copy_phase ?? '').replace(' ', '_')}`, phase = has(key) ? t(key) : '';
  return [figure('job.copied', percent(share), '', t('job.copied_note', { rows: num(progress.copied_rows), total: num(progress.copy_total_rows) })),
    figure('job.ready', progress.eta_s == null ? '–' : dur(progress.eta_s), '', phase || t('job.ready_note')),
    figure('job.rate', num(progress.copy_rows_per_s), t('job.rows_s'), progress.bytes_per_s ? `${bytes(progress.bytes_per_s)}/s` : ''),
    figure('job.tables', num(progress.copy_tables_complete), t('job.of', { total: num(progress.copy_tables) }), '')];
}

function subscribing(job, series) {
  const progress = job.Progress;
  return [lagFigure(job, series), figure('job.delivered', num(progress.events_per_s), t('job.events_s'), `${bytes(progress.delivered_bytes_per_s)}/s`),
    figure('job.waiting', num(progress.waiting), t('job.transactions', { n: progress.waiting ?? 0 }), t('job.window', { fill: percent((progress.buffer_fill ?? null) === null ? null : progress.buffer_fill * 100) })),
    figure('job.messages', num(progress.delivered_messages), '', t('job.in_this_run'))];
}

function lagFigure(job, series) {
  const most = series && highest(series.LagMs);
  const grows = ['diverged', 'failed', 'paused', 'reconnecting'].includes(job.Shown);
  return figure('job.lag', lag(job.Progress.lag_ms), '', grows ? t('job.lag_grows') : most === null ? '' : t('job.lag_highest', { lag: lag(most) }));
}

function appliedUpTo(progress) {
  const applied = gtid(progress.applied_gtid).whole.split(',').filter(Boolean);
  const [server, ...intervals] = (applied[0] ?? '').split(':');
  return figure('job.applied_up_to', intervals.length ? `:${intervals.at(-1).split('-').at(-1)}` : applied[0] ?? '–', applied.length > 1 ? t('job.more_servers', { n: applied.length - 1 }) : '',
    intervals.length ? `${server.slice(0, 8)}-…` : '');
}

function waitingOnSource(progress) {
  const count = missing(progress.source_gtid, progress.applied_gtid);
  return figure('job.waiting_on_source', num(count), count === null ? '' : t('job.transactions', { n: count }), progress.reported_at ? t('job.as_of', { time: clock(progress.reported_at * 1000, { seconds: true }) }) : '');
}

function comparedFigure(job, comparison) {
  if (!comparison) return figure('job.compared', '–', '', t('job.never_compared'));
  if (comparison.Repair) return figure('job.compared', '–', '', t('job.last_was_a_repair', { n: comparison.RowsCompared }));
  const unlike = comparison.Unlike?.length ?? 0, all = comparison.TablesCompared;
  const note = comparison.State === 'running' ? t('job.round_under_way', { n: comparison.Round }) : t('job.round', { n: comparison.Round });
  return figure('job.compared', t('job.equal_of', { equal: num(Math.max(0, all - unlike)), all: num(all) }), t('job.tables_equal'), note);
}
