/**
 * What a person can have done with a job: each act asks as much as it can lose, sends what the command would send, and
 * resolves to what came of it. What was confirmed is what is done: a job that has changed meanwhile is not touched.
 */
import { signal } from '../../core/html.js';
import { get, send } from '../../core/api.js';
import { dur, num } from '../../core/formats.js';
import { wordOf } from '../../core/states.js';
import { has, t } from '../../core/words.js';
import { confirm } from '../../parts/dialog.js';
import { jobPath, requestOf } from './requests.js';

/** What the last act on a job came to: {id, busy} or {id, text} or {id, error}. It stands below the head's buttons. */
export const answer = signal(null);

/** The job is not any more what the person has confirmed an act for. */
export class Changed extends Error {
  constructor(before, now) {
    super(t('job.changed_meanwhile', { before: wordOf(before.Shown), now: wordOf(now.Shown) }));
    this.text = this.message;
  }
}

const failureOf = job => [job.Failure?.Kind, job.Failure?.Gtid, job.Failure?.At].join(' ');

/**
 * Ask, and return the job as it is then, null for who has thought better of it. Throws `Changed` if it has got another
 * document while it was asked, or does not stand at the failure any more that is on the page.
 */
export async function confirmed(job, question) {
  const before = await get(jobPath(job.ID));
  if (!(await confirm(question))) return null;
  const now = await get(jobPath(job.ID));
  if (now.JobModifyIndex !== before.JobModifyIndex || failureOf(now) !== failureOf(job)) throw new Changed(job, now);
  return now;
}

/**
 * Ask, check that the job is still what it was, and send.
 * @param {{method: string, path: string, body?: object}} request
 * @returns {Promise<{done: boolean, answer?: object}>} not done: the person has thought better of it
 */
export async function ask(job, request, question) {
  if (question && !(await confirmed(job, question))) return { done: false };
  return { done: true, answer: await send(request.method, request.path, request.body) };
}

export const carryOut = (job, act, args, question) => ask(job, requestOf(job.ID, act, args), question);

/** Carry an act of the head out, and show there what came of it. */
export async function fromHead(job, label, run) {
  answer.value = { id: job.ID, busy: t('job.under_way', { act: label }) };
  try {
    const { done, answer: given, text } = await run();
    if (!done) answer.value = null;
    else answer.value = { id: job.ID, text: text ?? (given?.Warning || (given?.Success === false ? t('job.nothing_to_do') : t('job.told', { act: label }))) };
    return done;
  } catch (error) {
    answer.value = { id: job.ID, error };
    return false;
  }
}

const quoted = text => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** Return a command of `udup` with arguments that a shell takes as they are. */
export const command = (...words) => ['udup', ...words.map(quoted)].join(' ');

const server = (job, type) => {
  const connection = job.Tasks?.find(task => task.Type === type)?.Config?.ConnectionConfig;
  return connection ? `${connection.Host}:${connection.Port ?? 3306}` : t(type === 'Src' ? 'job.the_source' : 'job.the_target');
};
export const source = job => server(job, 'Src');
export const target = job => server(job, 'Dest');

/** GTID → what is typed to confirm that it is passed over: its number. */
export const numberOf = gtid => gtid.split(/[:-]/).at(-1);

export const pause = job => carryOut(job, 'pause', {}, {
  title: t('job.pause_title', { name: job.Name }), body: [t('job.pause_body')], danger: 'changes', act: t('job.pause'), command: command('job', 'pause', job.ID),
});

export const resume = job => carryOut(job, 'resume', {});

export const finish = job => carryOut(job, 'finish', {}, {
  title: t('job.finish_title', { name: job.Name }), body: [t('job.finish_body')], danger: 'changes', act: t('job.finish'), command: command('job', 'finish', job.ID),
});

export const remove = job => carryOut(job, 'delete', {}, {
  title: t('job.delete_title', { name: job.Name }), danger: 'loses', act: t('job.delete'), command: command('job', 'delete', job.ID),
  body: [t('job.delete_body', { target: target(job) }), t('job.delete_keeps')],
});

export const purge = job => carryOut(job, 'purge', {}, {
  title: t('job.purge_title', { name: job.Name }), danger: 'loses', act: t('job.purge'), type: job.Name,
  command: command('job', 'delete', '--purge', job.ID), body: [t('job.purge_body', { target: target(job) }), t('job.purge_loses')],
});

export const giveUp = job => carryOut(job, 'give_up', {}, {
  title: t('job.give_up_title'), danger: 'changes', act: t('job.give_up'), command: command('job', 'reload', job.ID, '--give-up'), body: [t('job.give_up_body')],
});

export const compare = job => carryOut(job, 'compare', {});

export const compareTable = (job, table) => carryOut(job, 'compare', { Tables: [table] });

/** Ask with the number of rows that a dry run finds, then repair these tables. */
export async function repairTable(job, table) {
  const question = await repairQuestion(job, [table]);
  return question ? carryOut(job, 'repair', { Tables: [table] }, question) : { done: true, text: t('job.nothing_to_repair', { table }) };
}

/** Return what is asked before a repair, null where a dry run finds nothing to repair. Of a stopped job none can tell. */
export async function repairQuestion(job, tables) {
  const found = await send('POST', jobPath(job.ID, '/repair'), { Tables: tables, DryRun: true });
  if (!found.Total && !found.Note) return null;
  const names = { table: tables.join(', '), target: target(job) };
  const counts = { n: found.Total, inserted: num(found.Inserts), replaced: num(found.Replaces), deleted: num(found.Deletes) };
  return {
    title: t('job.repair_title', names), danger: 'loses', act: t('job.repair'), command: command('job', 'repair', job.ID, ...tables),
    body: [found.Total ? t('job.repair_body', { ...names, ...counts }) : t('job.repair_body_stopped', names)],
  };
}

/** Milliseconds that a question waits for the size of what it asks about: a source may be slow, or away. */
const ESTIMATE_MS = 3000;

/** Ask with the rows and the time that it takes, then load a table again. */
export async function reloadTable(job, table) {
  const path = jobPath(job.ID, `/estimate?act=reload&table=${encodeURIComponent(table)}`);
  const estimate = await get(path, { timeout: ESTIMATE_MS }).catch(() => ({}));
  return carryOut(job, 'reload', { table }, reloadQuestion(job, [table], estimate));
}

export function reloadQuestion(job, tables, { Rows: rows = null, Seconds: seconds = null } = {}) {
  const table = tables.join(', ');
  return {
    title: t('job.reload_title', { table }), danger: 'loses', act: t('job.reload'), type: tables.length === 1 ? tables[0].split('.').slice(1).join('.') : job.Name,
    command: command('job', 'reload', job.ID, ...tables),
    body: [rows === null ? t('job.reload_body', { table, target: target(job) }) : t('job.reload_body_rows', { table, target: target(job), rows: num(rows) }),
      ...(seconds === null ? [] : [t('job.takes', { time: dur(seconds) })]), t('job.reload_others')],
  };
}

export function skipQuestion(job, gtid) {
  const table = job.Failure?.Table;
  return {
    title: t('job.skip_title'), danger: 'loses', act: t('job.skip'), type: numberOf(gtid), command: command('job', 'skip', job.ID, '--gtid', gtid),
    body: [table ? t('job.skip_body_table', { gtid, table }) : t('job.skip_body', { gtid }), t('job.skip_ledger')],
  };
}

export const skip = (job, gtid) => carryOut(job, 'skip', { gtid }, skipQuestion(job, gtid));

/** The question of a remedy, by what it can lose and how much; null for one that loses nothing. */
export async function questionOf(job, remedy, title, text) {
  if (remedy.Danger === 'none') return null;
  if (remedy.Act === 'skip' && remedy.Args?.gtid) return skipQuestion(job, remedy.Args.gtid);
  const tables = remedy.Args?.Tables ?? [];
  const counted = remedy.Act === 'repair' && tables.length ? await repairQuestion(job, tables) : null;
  if (counted) return counted;
  const more = has(`failures.act.${remedy.Act}.warning`) ? [t(`failures.act.${remedy.Act}.warning`, { target: target(job) })] : [];
  return { title: `${title}?`, body: [text, ...more], danger: remedy.Danger, type: remedy.Confirm, command: remedy.Command, act: t(`failures.act.${remedy.Act}.verb`) };
}
