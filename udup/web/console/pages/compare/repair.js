// Rows are put right on the target as the source has them: tried first, asked with numbers, then done.

import { html, useState } from '../../core/html.js';
import { t } from '../../core/words.js';
import { send } from '../../core/api.js';
import { canWrite } from '../../core/session.js';
import { ActButton } from '../../parts/button.js';
import { confirm } from '../../parts/dialog.js';
import { jobPath, msOf, quoted } from '../follow.js';
import { keyOf, tableOf } from './pages.js';

/** Return the command that repairs these tables, [] for all. */
function commandOf(id, tables, more = '') {
  return ['udup job repair', quoted(id), ...(tables.length ? tables.map(quoted) : ['--all']), ...(more ? [more] : [])].join(' ');
}

const bodyOf = tables => (tables.length ? { Tables: tables } : { All: true });

/** Ask the node what a repair would do; it changes nothing. */
export function tryRepair(id, tables) {
  return send('POST', jobPath(id, 'repair'), { ...bodyOf(tables), DryRun: true });
}

const numbersOf = plan => ({ n: plan.Total, inserted: plan.Inserts, replaced: plan.Replaces, deleted: plan.Deletes });

/** Ask, with numbers, and begin. Returns whether it has begun. `stands`: the job has stopped, so nothing is known yet. */
export async function repair({ id, job, tables, stands }) {
  const where = serverOf(job);
  const plan = stands ? null : await tryRepair(id, tables);
  if (plan && !plan.Total) throw new Error(t('compare.repair.nothing'));
  const what = plan ? t('compare.repair.numbers', { ...numbersOf(plan), server: where })
    : t('compare.repair.stands', { tables: tables.join(', '), server: where });
  const body = [what, t('compare.repair.how'), t('compare.repair.ledger')];
  const title = tables.length ? t('compare.repair.title.tables', { tables: tables.join(', ') }) : t('compare.repair.title.all');
  const act = plan ? t('compare.repair.act', { n: plan.Total }) : t('compare.repair.act.stands');
  const asked = { title, body, danger: 'loses', command: commandOf(id, tables), act };
  if (!await confirm(asked)) return false;
  await send('POST', jobPath(id, 'repair'), bodyOf(tables));
  return true;
}

function serverOf(job) {
  const target = job?.Tasks?.find(task => task.Type === 'Dest')?.Config?.ConnectionConfig;
  return target ? `${target.Host}:${target.Port}` : t('compare.target');
}

/** Kinds of failures at a row that is not as the source's. */
const AT_A_ROW = ['row_missing', 'row_exists', 'row_differs', 'divergence'];

/** Return the table that a repair puts right so that a stopped job goes on, '' where there is none. */
function tableToRepair(failure) {
  const remedy = failure?.Remedies?.find(each => each.Act === 'repair');
  return remedy?.Args?.Tables?.[0] || (AT_A_ROW.includes(failure?.Kind) && failure.Table) || '';
}

/** The acts of the list: dry run and repair of all rows, or of the table at which a job has stopped. */
export function RepairAll({ id, job, comparison, open, refresh }) {
  const [plan, setPlan] = useState(null);
  const stands = job?.Stage === 'failed';
  const table = tableToRepair(job?.Failure);
  const running = comparison?.State === 'running' && !comparison.Continuous;
  const act = async tables => {
    setPlan(null);
    if (await repair({ id, job, tables, stands })) await refresh();
  };
  if (stands) return html`<${OfStopped} id=${id} table=${table} act=${act} running=${running} done=${isRepairedSince(job, comparison, table)} refresh=${refresh} />`;
  if (!open.length) return null;
  const tables = [...new Set(open.map(tableOf))];
  return html`<div class="pad stack"><div class="acts">
    <${ActButton} label=${t('compare.dry_run')} busy=${t('compare.dry_run.busy')} command=${commandOf(id, [], '--dry-run')}
      onAct=${async () => setPlan(await tryRepair(id, []))} />
    ${running ? html`<span class="soft">${t('compare.repair.wait')}</span>` : html`<${ActButton} primary
      label=${t('compare.repair.all')} busy=${t('compare.repair.busy')} command=${commandOf(id, [])} onAct=${() => act([])} />
      ${tables.length > 1 && canWrite.value && html`<${OneTable} tables=${tables} act=${act} />`}`}
    </div>${plan && html`<${Plan} plan=${plan} close=${() => setPlan(null)} />`}</div>`;
}

function OneTable({ tables, act }) {
  const [table, setTable] = useState(tables[0]);
  const chosen = tables.includes(table) ? table : tables[0];
  return html`<label>${t('compare.repair.only')} <select value=${chosen} onChange=${event => setTable(event.currentTarget.value)}>
      ${tables.map(each => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
    <${ActButton} label=${t('compare.repair.table')} busy=${t('compare.repair.busy')} danger="loses" onAct=${() => act([chosen])} />`;
}

/** Return whether a table was repaired behind the failure that it mends: an earlier repair has not seen this row. */
function isRepairedSince(job, comparison, table) {
  if (!comparison?.Repair || comparison.State !== 'done' || comparison.Unlike.length) return false;
  return comparison.Tables.includes(table) && msOf(comparison.Since) > msOf(job.Failure.At);
}

/** A job that stands at a row: its table is compared as it is now and put right, then the job goes on. */
function OfStopped({ id, table, act, running, done, refresh }) {
  const resume = async () => {
    await send('PUT', jobPath(id, 'resume'));
    await refresh();
  };
  if (!table) return null;
  return html`<div class="pad stack"><p>${t(done ? 'compare.stopped.done' : 'compare.stopped', { table })}</p><div class="acts">
    ${!running && html`<${ActButton} primary=${!done} label=${t('compare.repair.named', { table })}
      busy=${t('compare.repair.busy')} command=${commandOf(id, [table])} onAct=${() => act([table])} />`}
    ${done && html`<${ActButton} primary label=${t('compare.resume')} busy=${t('compare.resume.busy')}
      command=${`udup job resume ${quoted(id)}`} onAct=${resume} />`}</div></div>`;
}

/** What a dry run has said. */
function Plan({ plan, close }) {
  return html`<div class="plan" role="status"><p><b>${plan.Total ? t('compare.plan', numbersOf(plan)) : t('compare.repair.nothing')}</b>
      <button type="button" class="quiet small" onClick=${close}>${t('compare.plan.close')}</button></p>
    ${plan.Note && html`<p class="said" lang="en">${plan.Note}</p>`}
    ${plan.Rows.length > 0 && html`<div class="planned" tabindex="0" role="group" aria-label=${t('compare.plan.rows')}><ul>${plan.Rows.map(row => html`<li
      key=${keyOf(row)}><code>${tableOf(row)} ${row.Key}</code> ${t(`compare.will.${row.Does}`)}</li>`)}</ul></div>`}
    ${plan.Rows.length < plan.Total && html`<p class="soft small">${t('compare.plan.first', { n: plan.Rows.length })}</p>`}</div>`;
}
