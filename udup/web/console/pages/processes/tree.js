// The actors as a tree: the supervisor, what serves all jobs, then each job with its own. All pure.
const RANK = ['guardian', 'supervisor', 'keeper', 'store', 'extractor', 'applier', 'worker', 'verifier', 'cutover'];
const LATELY_S = 3600;

const rank = actor => { const at = RANK.indexOf(actor.Role); return at < 0 ? RANK.length : at; };
const sum = (actors, key) => actors.reduce((total, actor) => total + (actor[key] || 0), 0);
const inOrder = actors => [...actors].sort((a, b) => rank(a) - rank(b) || a.Slot - b.Slot);

/** Whether an actor was started again within the last hour. */
export const isRestless = (actor, nowS) => actor.Restarts > 0 && nowS - actor.Started < LATELY_S;

/**
 * Return rows {key, level, parent, label, actor?, job?, count?, Rss, Restarts, restless}: jobs with restarts lately
 * first, then by name; workers stand below their applier.
 */
export function treeOf(actors, nowS) {
  const shared = inOrder(actors.filter(actor => !actor.JobID));
  const [top, ...others] = shared;
  if (!top) return [];
  const rows = [rowOf(top, 1, '', nowS), ...others.map(actor => rowOf(actor, 2, keyOf(top), nowS))];
  const jobs = Map.groupBy(actors.filter(actor => actor.JobID), actor => actor.JobID);
  const branches = [...jobs].map(([job, its]) => ({ job, its: inOrder(its), restless: its.some(actor => isRestless(actor, nowS)) }));
  branches.sort((a, b) => b.restless - a.restless || a.job.localeCompare(b.job, 'en', { numeric: true }));
  for (const { job, its, restless } of branches) {
    const key = `job:${job}`;
    rows.push({ key, level: 2, parent: keyOf(top), job, count: its.length, Rss: sum(its, 'Rss'), Restarts: sum(its, 'Restarts'), restless });
    const applier = its.find(actor => actor.Role === 'applier');
    for (const actor of its) {
      const below = actor.Role === 'worker' && applier;
      rows.push(rowOf(actor, below ? 4 : 3, below ? keyOf(applier) : key, nowS));
    }
  }
  return rows;
}

const keyOf = actor => `${actor.Role}:${actor.JobID}:${actor.Slot}`;

function rowOf(actor, level, parent, nowS) {
  return { key: keyOf(actor), level, parent, actor, Rss: actor.Rss, Restarts: actor.Restarts, restless: isRestless(actor, nowS) };
}

/** Return the rows that are seen: none below one that is closed. */
export function seen(rows, closed) {
  const hidden = new Set();
  return rows.filter(row => {
    if (closed.has(row.parent) || hidden.has(row.parent)) { hidden.add(row.key); return false; }
    return true;
  });
}
