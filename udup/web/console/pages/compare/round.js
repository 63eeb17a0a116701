// The last comparison: which tables are equal, how far it is, how sure that is; begun and ended here.

import { html, useState } from '../../core/html.js';
import { t } from '../../core/words.js';
import { get, send } from '../../core/api.js';
import { canWrite } from '../../core/session.js';
import { now, tick } from '../../core/clock.js';
import { ago, dur, gtid, num } from '../../core/formats.js';
import { Icon } from '../../core/icons.js';
import { useLoad } from '../../core/page.js';
import { ActButton } from '../../parts/button.js';
import { Copy } from '../../parts/copy.js';
import { jobPath, msOf, quoted } from '../follow.js';
import { Bar } from './bar.js';
import { Unlike } from './unlike.js';

const SPEEDS = [0, 10000, 50000, 200000, 1000000];

export function Round({ id, job, comparison, ledger, refresh }) {
  const running = comparison?.State === 'running';
  return html`<section class="card" aria-labelledby="compare-round">
    <header><h2 id="compare-round">${titleOf(comparison)}</h2>${comparison && html`<${Verdict}
      comparison=${comparison} />`}<span class="grow"></span>
      ${running && html`<${Stop} id=${id} comparison=${comparison} refresh=${refresh} />`}</header>
    <div class="pad stack">
      ${comparison && !comparison.Repair && html`<${Bar} job=${job} comparison=${comparison} />`}
      ${comparison ? html`<${Facts} id=${id} comparison=${comparison} ledger=${ledger} />`
    : html`<p>${t('compare.never')}</p>`}
      <${Unlike} id=${id} job=${job} comparison=${comparison} refresh=${refresh} />
      ${!running && html`<${Begin} id=${id} job=${job} before=${comparison} refresh=${refresh} />`}
    </div></section>`;
}

function titleOf(comparison) {
  if (!comparison) return t('compare.title.never');
  const kind = comparison.Repair ? 'repair' : 'round';
  return t(`compare.title.${kind}.${comparison.State}`, { n: comparison.Round });
}

function Verdict({ comparison }) {
  if (comparison.Repair) return null;
  const unlike = comparison.Differences + comparison.UnlikeDefinitions + comparison.Unlike.length;
  if (comparison.Equal) return html`<span class="state ok"><${Icon} name="equal" />${t('compare.equal')}</span>`;
  if (unlike) return html`<span class="state warn"><${Icon} name="differs" />${t('compare.differs')}</span>`;
  return comparison.State === 'running' && html`<span class="state info"><${Icon} name="comparing" />${
    t('compare.so_far')}</span>`;
}

function Facts({ id, comparison, ledger }) {
  tick.value;
  const running = comparison.State === 'running';
  const began = msOf(comparison.LastRoundEnded) ?? msOf(comparison.Since);
  const elapsed = running ? (now() - began) / 1000 : (msOf(comparison.Ended) - began) / 1000;
  const at = ledger.rows.find(row => row.Position)?.Position;
  return html`<dl class="facts">
    <dt>${t(comparison.Repair ? 'compare.repaired_rows' : 'compare.rows')}</dt>
    <dd>${running ? html`<${Rows} id=${id} comparison=${comparison} elapsed=${elapsed} />`
    : t('compare.rows.ended', { n: comparison.RowsCompared, time: dur(Math.max(0, elapsed)), ago: ago(comparison.Ended) })}</dd>
    ${!comparison.Repair && html`<dt>${t('compare.mode')}</dt><dd>${t(comparison.Continuous ? 'compare.continuous'
    : 'compare.once')}, ${comparison.RowsPerSecond ? t('compare.speed', { n: comparison.RowsPerSecond })
    : t('compare.speed.free')}${comparison.Tables.length > 0 && html`, ${t('compare.only', { n: comparison.Tables.length })} <code>${
    comparison.Tables.slice(0, 5).join(', ')}${comparison.Tables.length > 5 ? ' …' : ''}</code>`}</dd>`}
    ${at && html`<dt>${t('compare.position')}</dt><dd><code title=${at}>${gtid(at).short}</code> <${Copy}
      text=${at} label=${t('compare.copy_position')} /></dd>`}
    ${!comparison.Repair && html`<dt>${t('compare.sure')}</dt><dd>${t('compare.sure.exact')}</dd>`}
    ${comparison.FailedTries > 0 && html`<dt>${t('compare.tries')}</dt><dd>${t('compare.tries.n', { n: comparison.FailedTries })}</dd>`}
    ${comparison.Text && html`<dt>${t(running ? 'compare.waits' : 'compare.why')}</dt><dd class="said" lang="en">${
    comparison.Text}</dd>`}
  </dl>`;
}

/** Rows of how many, and the time left: by what the node estimates the tables to hold. */
function Rows({ id, comparison, elapsed }) {
  const { data } = useLoad(({ signal }) => get(`${jobPath(id, 'estimate')}?act=compare`, { signal }), [comparison.ID]);
  const of = comparison.Repair || comparison.Tables.length ? null : data?.Rows ?? null;
  const done = comparison.RowsCompared;
  const left = of && done > 0 && of > done && elapsed > 2 ? (elapsed * (of - done)) / done : null;
  const told = { n: done, of: num(of), time: dur(Math.round(Math.max(0, elapsed))) };
  return html`${t(of ? 'compare.rows.of' : 'compare.rows.n', told)}${left !== null && ` · ${t('compare.left', { time: dur(left) })}`}`;
}

function Stop({ id, comparison, refresh }) {
  const stop = async () => {
    await send('DELETE', jobPath(id, 'compare'));
    await refresh();
  };
  return html`<${ActButton} label=${t(comparison.Repair ? 'compare.stop_repair' : 'compare.stop')}
    busy=${t('compare.stop.busy')} command=${`udup job compare ${quoted(id)} --stop`} onAct=${stop} />`;
}

function Begin({ id, job, before, refresh }) {
  const [continuous, setContinuous] = useState(Boolean(before?.Continuous));
  const [speed, setSpeed] = useState(before?.RowsPerSecond ?? 0);
  const speeds = SPEEDS.includes(speed) ? SPEEDS : [...SPEEDS, speed];
  const begin = tables => async () => {
    const asked = tables.length ? { Tables: tables } : { Continuous: continuous };
    await send('POST', jobPath(id, 'compare'), { ...asked, RowsPerSecond: speed });
    await refresh();
  };
  const repaired = before?.Repair ? before.Tables : [];
  const command = ['udup job compare', quoted(id), ...(speed ? [`--rows-per-second ${speed}`] : []),
    ...(continuous ? ['--continuous'] : [])].join(' ');
  const stopped = ['failed', 'paused'].includes(job?.Stage);
  if (stopped && !continuous) {
    return html`<p class="soft">${t(`compare.job_is.${job.Stage}`)}</p>`;
  }
  return html`<div class="acts">${canWrite.value && html`<label>${t('compare.how_often')} <select value=${continuous ? '1' : ''}
      onChange=${event => setContinuous(event.currentTarget.value === '1')}>
      <option value="">${t('compare.once')}</option><option value="1">${t('compare.continuous')}</option></select></label>
    <label>${t('compare.how_fast')} <select value=${String(speed)} onChange=${event => setSpeed(Number(event.currentTarget.value))}>
      ${speeds.map(each => html`<option key=${each} value=${String(each)}>${each ? t('compare.speed', { n: each })
    : t('compare.speed.free')}</option>`)}</select></label>`}
    <${ActButton} label=${t('compare.begin')} busy=${t('compare.begin.busy')} primary=${!repaired.length} command=${command} onAct=${begin([])} />
    ${repaired.length > 0 && html`<${ActButton} label=${t('compare.begin.repaired')} busy=${t('compare.begin.busy')} primary
      command=${['udup job compare', quoted(id), ...repaired.map(quoted)].join(' ')} onAct=${begin(repaired)} />`}</div>`;
}
