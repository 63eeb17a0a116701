// The fallback where no stream comes through, behind a proxy that holds answers back: the list of jobs is asked for by
// its index, which waits for a change, and the jobs that are looked at are asked for each time.
import { get, raw } from './api.js';
import { steady } from './clock.js';

const WAIT_S = 5;

/** Milliseconds for which is polled before a stream is tried again. */
const SPELL_MS = 30_000;

/** Tell what the stream would, for a while. Return whether the node could be asked at all. */
export async function poll(topics, { tell, onHeard, signal }) {
  const until = steady() + SPELL_MS;
  let index = 0;
  let asked = false;
  while (!signal.aborted && steady() < until) {
    try {
      index = await askJobs(index, tell, signal);
      for (const topic of topics) await ask(topic, tell, signal);
    } catch {
      return asked && !signal.aborted;
    }
    asked = true;
    onHeard();
    await new Promise(resolve => { setTimeout(resolve, 1000); });
  }
  return true;
}

async function askJobs(index, tell, signal) {
  const answer = await raw(index ? `jobs?brief&index=${index}&wait=${WAIT_S}s` : 'jobs?brief', { signal });
  tell('jobs', { Jobs: await answer.json(), Gone: [], All: true });
  return Number(answer.headers.get('X-Udup-Index')) || 0;
}

async function ask(topic, tell, signal) {
  if (topic.startsWith('job:')) tell('job', { Job: await get(`job/${encodeURIComponent(topic.slice(4))}`, { signal }) });
  if (topic === 'nodes') tell('nodes', await get('members', { signal }));
}
