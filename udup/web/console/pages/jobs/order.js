// The order of the list: groups by trouble, and within each what is most urgent first.
import { now } from '../../core/clock.js';
import { GROUPS, STATES } from '../../core/states.js';

const DAY_MS = 86_400_000;

/** A group that the console does not know stands with the running ones. */
export const groupOf = job => (GROUPS.includes(job.Group) ? job.Group : STATES[job.Shown]?.group || 'running');

const at = time => Date.parse(time || '') || 0;
const RANK = Object.fromEntries(Object.keys(STATES).map((word, rank) => [word, rank]));
const byName = (a, b) => nameOf(a).localeCompare(nameOf(b), 'en', { numeric: true }) || (a.ID < b.ID ? -1 : 1);
const nameOf = job => job.Name || job.ID;
const newest = (a, b) => at(b.ShownSince) - at(a.ShownSince) || byName(a, b);

/** Milliseconds until the source purges what the job needs; infinite where that is not known or a day away. */
function purgeIn(job, moment) {
  const left = job.SourceKeepsUntil ? at(job.SourceKeepsUntil) - moment : Infinity;
  return left < DAY_MS ? left : Infinity;
}

function byUrgency(moment) {
  return (a, b) => {
    const [first, second] = [purgeIn(a, moment), purgeIn(b, moment)];
    return first === second ? newest(a, b) : first - second;
  };
}

/** Return what compares two jobs of a group. */
export function orderOf(group, moment) {
  switch (group) {
    case 'needs_you': case 'healing': return byUrgency(moment);
    case 'behind': return (a, b) => (b.LagMs ?? -1) - (a.LagMs ?? -1) || byName(a, b);
    case 'under_way': return (a, b) => (RANK[a.Shown] ?? 99) - (RANK[b.Shown] ?? 99) || newest(a, b);
    default: return byName;
  }
}

/** Orders by a column's head: name, lag or rate, '-' in front for the other way. */
const COLUMNS = {
  __proto__: null,
  name: byName,
  lag: (a, b) => (b.LagMs ?? -1) - (a.LagMs ?? -1) || byName(a, b),
  rate: (a, b) => (b.RowsPerSecond ?? -1) - (a.RowsPerSecond ?? -1) || byName(a, b),
  since: newest,
};

/** Return the jobs by a column; `sort` is its name. */
export function sorted(list, sort) {
  const compare = COLUMNS[sort.replace('-', '')] || byName;
  return [...list].sort(sort.startsWith('-') ? (a, b) => compare(b, a) : compare);
}

/** Return {group: IDs in their order} of all jobs. */
export function grouped(list, moment) {
  const groups = Object.fromEntries(GROUPS.map(name => [name, []]));
  for (const job of list) groups[groupOf(job)].push(job);
  for (const name of GROUPS) groups[name] = groups[name].sort(orderOf(name, moment)).map(job => job.ID);
  return groups;
}

/** Return the IDs of all jobs in the list's order. */
export const listed = list => Object.values(grouped(list, now())).flat();

/**
 * Keep jobs where they are: return the arrangement `held` with what has gone left out and what is new added at the end
 * of its group, and how many would stand in another group.
 */
export function hold(held, jobs) {
  const seen = new Set();
  let moved = 0;
  const kept = {};
  for (const name of GROUPS) {
    kept[name] = held[name].filter(id => jobs.has(id));
    for (const id of kept[name]) {
      seen.add(id);
      if (groupOf(jobs.get(id)) !== name) moved += 1;
    }
  }
  for (const [id, job] of jobs) if (!seen.has(id)) kept[groupOf(job)].push(id);
  return { arrangement: kept, moved };
}

/** Whether a job has the words that somebody types: ID, name, servers, reason. `q` is lower case. */
export const matches = (job, q) => !q || textOf(job).includes(q);

const texts = new WeakMap();

function textOf(job) {
  if (!texts.has(job)) texts.set(job, [job.ID, job.Name, job.Source, job.Target, job.Reason, job.Node].join('\n').toLowerCase());
  return texts.get(job);
}
