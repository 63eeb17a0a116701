/** Servers as typed: asked by `/v1/inspect`, one question a side at a time; nothing of it is stored. */
import { signal } from '../../core/html.js';
import { send } from '../../core/api.js';
import { draft } from './draft.js';
import { configOf, driverOf } from './document.js';

/** How each end's server was found: {key, state: 'asking' | 'told' | 'failed', answer, error}; null before a question. */
export const looks = { Src: signal(null), Dest: signal(null) };

const asking = { Src: null, Dest: null };

/** Return what a question about a server says: the same server, the same text. */
export const keyOf = ({ document, job }, end) => JSON.stringify(question({ document, job }, end));

function question({ document, job }, end) {
  const { ConnectionConfig } = configOf(document, end);
  return { Driver: driverOf(document, end), Side: end, ConnectionConfig, ...(job && { Job: job }) };
}

/** Say whether an end is a server that can be looked at, and is told well enough. */
export function isTold({ document }, end) {
  const { Host, Port, User } = configOf(document, end).ConnectionConfig ?? {};
  return driverOf(document, end) === 'MySQL' && !!Host && !!Port && !!User;
}

/** Return the look at a server as it is typed now; null where another one was looked at. */
export function lookAt(value, end) {
  const look = looks[end].value;
  return look?.key === keyOf(value, end) ? look : null;
}

/** Look at a server, unless it was looked at or is being looked at as it is typed now. `anew`: all the same. */
export function look(end, { anew = false } = {}) {
  const value = draft.value;
  if (!isTold(value, end)) return Promise.resolve();
  const known = lookAt(value, end);
  if (known && !anew && known.state !== 'failed') return asking[end]?.done ?? Promise.resolve();
  asking[end]?.ending.abort();
  const key = keyOf(value, end);
  const ending = new AbortController();
  looks[end].value = { key, state: 'asking' };
  const done = ask(question(value, end), ending.signal).then(
    (answer) => settle(end, ending, { key, state: 'told', answer }),
    (error) => settle(end, ending, { key, state: 'failed', error }),
  );
  asking[end] = { ending, done };
  return done;
}

/** The node looks at a few servers at a time: how often, and after which pause, one is asked for again. */
const TRIES = 8;
const PAUSE_MS = 1500;

async function ask(body, signal, tries = TRIES) {
  try {
    return await send('POST', 'inspect', body, { signal });
  } catch (error) {
    if (error.status !== 503 || tries <= 1 || signal?.aborted) throw error;
    await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    return signal?.aborted ? Promise.reject(error) : ask(body, signal, tries - 1);
  }
}

function settle(end, ending, found) {
  if (!ending.signal.aborted) looks[end].value = found;
}

/** Ask for the tables of a schema of the source, from a name on, with a part of their names. */
export const askTables = (schema, { after = '', search = '', signal: stop }) =>
  ask({ ...question(draft.value, 'Src'), Schema: schema, After: after, Q: search, Limit: 1000 }, stop);
