/** What can be done with one table of a job. */
import { send } from '../../core/api.js';
import { go, href } from '../../core/route.js';
import { t } from '../../core/words.js';
import { documentOf, loadSchemas } from '../../parts/schema.js';
import { compareTable, confirmed, fromHead, reloadTable, repairTable } from './acts.js';
import { isSubscription } from './head.js';

/** @returns {{label: string, onAct: () => any, danger?: boolean}[]} */
export function tableActs(job, row, mayWrite) {
  const table = row.Table;
  const copy = { label: t('tables.copy_name'), onAct: () => navigator.clipboard?.writeText(table) };
  if (!mayWrite) return [copy];
  const act = (key, run, then) => ({ label: t(`tables.${key}`), onAct: () => fromHead(job, t(`tables.${key}`), () => run(job, table)).then(done => done && then?.()) });
  const seen = { label: t('tables.differences'), onAct: () => go('jobs', job.ID, 'compare', { table }) };
  if (isSubscription(job)) return [copy];
  return [
    act('compare', compareTable, () => { location.hash = href('jobs', job.ID, 'compare'); }),
    ...(row.Differences ? [seen, { ...act('repair', repairTable), danger: true }] : []),
    { ...act('reload', reloadTable), danger: true },
    { ...act('leave_out', leaveOut), danger: true },
    copy,
  ];
}

/** Take a table out of the job: the document gets it among those that are left out. Its rows stay on the target. */
async function leaveOut(job, table) {
  const question = { title: t('tables.leave_out_title', { table }), danger: 'changes', act: t('tables.leave_out_do'), body: [t('tables.leave_out_body', { table }), t('document.run_begins_again')] };
  const now = await confirmed(job, question);
  if (!now) return { done: false };
  const document_ = leftOut(documentOf(now, await loadSchemas()), table);
  return { done: true, answer: await send('POST', 'jobs', { ...document_, EnforceIndex: true, JobModifyIndex: now.JobModifyIndex }) };
}

/** Return a document without a table: among those that are left out, and not among those that are named. */
export function leftOut(document_, table) {
  const dot = table.indexOf('.'), schema = table.slice(0, dot), name = table.slice(dot + 1);
  const out = config => {
    const ignored = [...(config.ReplicateIgnoreDb ?? [])], at = ignored.findIndex(each => each.TableSchema === schema && each.Tables?.length);
    const entry = { TableName: name };
    if (at < 0) ignored.push({ TableSchema: schema, Tables: [entry] });
    else ignored[at] = { ...ignored[at], Tables: [...ignored[at].Tables, entry] };
    return { ...config, ReplicateIgnoreDb: ignored };
  };
  return { ...document_, Tasks: document_.Tasks.map(task => (task.Type === 'Src' ? { ...task, Config: out(task.Config) } : task)) };
}

