// Rows are put right on the target as the source has them: tried first, asked with numbers, then done.

import { html, useState } from '../../core/html.js';
import { t } from '../../core/words.js';
import { send } from '../../core/api.js';
import { canWrite } from '../../core/session.js';
import { num } from '../../core/formats.js';
import { ActButton } from '../../parts/button.js';
import { confirm } from '../../parts/dialog.js';
import { jobPath, quoted } from '../follow.js';
import { tableOf } from './pages.js';

/** Return the command that repairs these tables, [] for all. */
function commandOf(id, tables, more = '') {
  return ['udup job repair', quoted(id), ...(tables.length ? tables.map(quoted) : ['--all']), ...(more ? [more] : [])].join(' ');
}

const bodyOf = tables => (tables.length ? { Tables: tables } : { All: true });

/** Ask the node what a repair would do; it changes nothing. */
export function tryRepair(id, tables) {
  return send('POST', jobPath(id, 'repair'), { ...bodyOf(tables), DryRun: true });
}

/** Return the sum of what a dry run's tables say: {inserted, replaced, deleted}. */
function sumOf(plan) {
  const of = key => plan.Tables.reduce((sum, table) => sum + (table[key] ?? 0), 0);
  return { inserted: of('Inserted'), replaced: of('Replaced'), deleted: of('Deleted') };
}

/** Ask, with numbers, and begin. Returns whether it has begun. `stands`: the job has stopped, so nothing is known yet. */
export async function repair({ id, job, tables, stands }) {
  const where = serverOf(job);
  const plan = stands ? null : await tryRepair(id, tables);
  if (plan && !plan.Total) throw new Error(t('compare.repair.nothing'));
  const what = plan ? t('compare.repair.numbers', { n: plan.Total, ...sumOf(plan), server: where })
    : t('compare.repair.stands', { tables: tables.join(', '), server: where });
  const body = [what, t('compare.repair.how'), t('compare.repair.ledger')];
  const problems = plan?.Tables.filter(table => table.Problem).map(table => `${table.Name}: ${table.Problem}`) ?? [];
  const title = tables.length ? t('compare.repair.title.tables', { tables: tables.join(', ') }) : t('compare.repair.title.all');
  const act = plan ? t('compare.repair.act', { n: plan.Total }) : t('compare.repair.act.stands');
  const asked = { title, body: [...body, ...problems], danger: 'loses', command: commandOf(id, tables), act };
  if (!await confirm(asked)) return false;
  await send('POST', jobPath(id, 'repair'), bodyOf(tables));
  return true;
}

function serverOf(job) {
  const target = job?.Tasks?.find(task => task.Type === 'Dest')?.Config?.ConnectionConfig;
  return target ? `${target.Host}:${target.Port}` : t('compare.target');
}

/** The acts of the list: dry run and repair of all rows, or of the table at which a job has stopped. */
export function RepairAll({ id, job, comparison, open, refresh }) {
  const [plan, setPlan] = useState(null);
  const stands = job?.Stage === 'failed';
  const table = job?.Failure?.Table;
  const running = comparison?.State === 'running' && !comparison.Continuous;
  const act = async tables => {
    setPlan(null);
    if (await repair({ id, job, tables, stands })) await refresh();
  };
  if (stands) return html`<${OfStopped} id=${id} table=${table} act=${act} running=${running} comparison=${comparison} refresh=${refresh} />`;
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

/** A job that stands at a row: its table is compared as it is now and put right, then the job goes on. */
function OfStopped({ id, table, act, running, comparison, refresh }) {
  const done = comparison?.Repair && comparison.State === 'done' && !comparison.Unlike.length;
  const resume = async () => {
    await send('PUT', jobPath(id, 'resume'));
    await refresh();
  };
  if (!table && !done) return null;
  return html`<div class="pad stack"><p>${t(done ? 'compare.stopped.done' : 'compare.stopped', { table })}</p><div class="acts">
    ${table && !running && html`<${ActButton} primary=${!done} label=${t('compare.repair.named', { table })}
      busy=${t('compare.repair.busy')} command=${commandOf(id, [table])} onAct=${() => act([table])} />`}
    ${done && html`<${ActButton} primary label=${t('compare.resume')} busy=${t('compare.resume.busy')}
      command=${`udup job resume ${quoted(id)}`} onAct=${resume} />`}</div></div>`;
}

/** What a dry run has said. */
function Plan({ plan, close }) {
  const statements = plan.Rows.flatMap(row => row.Statements);
  return html`<div class="plan" role="status"><p><b>${plan.Total ? t('compare.plan', { n: plan.Total, ...sumOf(plan) })
    : t('compare.repair.nothing')}</b> <button type="button" class="quiet small" onClick=${close}>${t('compare.plan.close')}</button></p>
    ${plan.Tables.filter(table => table.Problem).map(table => html`<p key=${table.Name}><code>${table.Name}</code> ${table.Problem}</p>`)}
    ${statements.length ? html`<pre tabindex="0" role="region" aria-label=${t('compare.plan.sql')}>${statements.map(each => `${each};`).join('\n')}</pre>`
    : html`<ul>${plan.Rows.slice(0, 200).map(row => html`<li key=${`${row.Table}${row.Key}`}><code>${row.Schema}.${row.Table} ${row.Key}</code> ${t(`compare.will.${row.Act}`)}</li>`)}</ul>`}
    ${plan.Rows.length < plan.Total && html`<p class="soft small">${t('compare.plan.first', { n: num(plan.Rows.length) })}</p>`}</div>`;
}

