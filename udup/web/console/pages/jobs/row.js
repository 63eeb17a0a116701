// A job in the list: its state, since when, what is going on, how far behind it is.
import { html, memo } from '../../core/html.js';
import { dur, exact, lag, num, percent } from '../../core/formats.js';
import { now } from '../../core/clock.js';
import { href } from '../../core/route.js';
import { lookOf, State } from '../../core/states.js';
import { has, lang, t } from '../../core/words.js';
import { Since } from '../../parts/time.js';
import { filled } from '../job/words.js';
import { Spark } from './spark.js';

/** Milliseconds of lag from which it takes the state's colour. */
const LARGE_LAG_MS = 30_000;

const hostOf = end => (end || '').replace(/:\d+$/, '');

export const Row = memo(({ job, points }) => {
  const { tone } = lookOf(job.Shown);
  const isTrouble = tone === 'bad' || tone === 'warn';
  const late = isTrouble && job.LagMs > LARGE_LAG_MS ? tone : '';
  return html`<tr data-job=${job.ID}>
    <td class="state-cell"><${State} state=${job.Shown} /></td>
    <td class="since soft nowrap"><${Since} at=${job.ShownSince} /></td>
    <td class="job"><a class="name" href=${href('jobs', job.ID)}>${job.Name || job.ID}</a>
      <p class="small faint clip">${hostOf(job.Source)} <span aria-hidden="true">→</span><span class="hidden">${t('jobs.to')}</span> ${hostOf(job.Target)}</p></td>
    <td class="what"><${What} job=${job} /></td>
    <td data-label=${t('jobs.lag')} class=${`num ${late} ${job.LagMs == null ? 'nothing' : ''}`} title=${isTrouble ? undefined : exact(job.LagMs)}>${lag(job.LagMs)}</td>
    <td class="spark-cell"><${Spark} points=${points} tone=${late} /></td>
    <td data-label=${t('jobs.rows')} class=${`num soft ${job.RowsPerSecond ? '' : 'nothing'}`} title=${exact(job.RowsPerSecond)}>${num(job.RowsPerSecond)}</td></tr>`;
});

/** What is going on, in two lines: progress while it copies, what it waits for and why, or why it stands. */
function What({ job }) {
  if (job.Shown === 'copying' || (job.Shown === 'reloading' && job.Percent != null)) return html`<${Progress} job=${job} />`;
  const first = firstOf(job).join(' · ');
  if (job.Waits) {
    const why = meaningOf(job.Waits);
    return html`<p class="why clip" title=${first}>${first}</p><p class="why clip" title=${job.Waits.Why}>${why}</p>`;
  }
  const text = [reasonOf(job), first].filter(Boolean).join(' · ');
  return text ? html`<p class="why" title=${job.Reason || text}>${text}</p>` : null;
}

function Progress({ job }) {
  const shown = Math.round(job.Percent ?? 0);
  const parts = job.TotalRows ? [t('jobs.copying', { copied: num(job.CopiedRows), total: num(job.TotalRows), done: job.TablesCopied, tables: job.Tables })] : [job.Reason];
  if (job.EtaS != null) parts.push(t('jobs.ready_in', { t: dur(job.EtaS) }));
  return html`<div class="progress"><progress max="100" value=${shown} aria-label=${t('jobs.copied', { p: percent(shown) })} /><span class="small">${percent(shown)}</span></div>
    <p class="why">${parts.filter(Boolean).join(' · ')}</p>`;
}

/** What it waits for, when it tries again, when it will be level, what time is left. */
function firstOf(job) {
  const lines = job.Waits ? [waiting(job.Waits)] : [];
  if (job.Shown === 'catching_up' && job.EtaS != null) lines.push(t('jobs.level_in', { t: dur(job.EtaS) }));
  const next = Date.parse(job.Waits?.NextTry || '') - now();
  if (next > 0) lines.push(t('jobs.next_try', { t: dur(Math.ceil(next / 1000)) }));
  if (job.Waits?.Attempts > 1) lines.push(t('jobs.tries', { n: job.Waits.Attempts }));
  const left = Date.parse(job.SourceKeepsUntil || '') - now();
  if (left > 0 && left < 86_400_000) lines.push(t('jobs.purged_in', { t: dur(left / 1000) }));
  return lines;
}

/** Why a job is where it is: in the viewer's language where there are words for it, else the node's own. */
function reasonOf(job) {
  const told = job.FailureKind && ['title_key', 'title', 'short'].map(form => filled(`failures.${job.FailureKind}.${form}`, job.FailureParams || {})).find(Boolean);
  if (told) return told;
  const state = filled(`jobs.why_${job.Shown}`, { node: job.Node });
  return (lang.value === 'en' ? job.Reason || state : state || job.Reason) || '';
}

/** What a wait means, in the viewer's language where there are words for its kind; in English the node says it best. */
function meaningOf(waits) {
  const kind = String(waits.Kind || '').toLowerCase().replaceAll(/[ -]/g, '_');
  return (lang.value !== 'en' && filled(`failures.waits.${kind}`, { table: waits.Table, to: waits.To })) || waits.Why;
}

function waiting({ For, To }) {
  const what = t(has(`jobs.wait_${For}`) ? `jobs.wait_${For}` : 'failures.waits.for.something');
  return t('jobs.waits_for', { what, to: To || '' });
}
