/** What an act on a job is over REST: the same as `udup job ACT` sends. */

/** Act → method, what stands behind the job's ID, and where its arguments go. */
const ROUTES = {
  __proto__: null,
  pause: ['POST', '/pause'],
  resume: ['POST', '/resume'],
  try_now: ['POST', '/resume'], // of a job that waits: its next try is now
  finish: ['POST', '/finish'],
  skip: ['POST', '/skip', 'query'],
  settle: ['POST', '/settle', 'query'],
  reload: ['POST', '/reload', 'query'],
  revert: ['POST', '/revert', 'query'],
  compare: ['POST', '/compare', 'body'],
  stop_compare: ['DELETE', '/compare'],
  repair: ['POST', '/repair', 'body'],
  cutover: ['POST', '/cutover', 'body'],
  give_up: ['DELETE', '/reload'],
  delete: ['DELETE', ''],
  purge: ['DELETE', '', 'query'],
};

/** Arguments of an act that go without being told. */
const ALWAYS = { purge: { purge: 'true' } };

export const jobPath = (id, part = '') => `job/${encodeURIComponent(id)}${part}`;

/**
 * @param {string} id of the job
 * @param {string} act
 * @param {object} [args] as a remedy has them
 * @returns {{method: string, path: string, body?: object}}
 */
export function requestOf(id, act, args = {}) {
  const [method, part, where] = ROUTES[act];
  if (where === 'body') return { method, path: jobPath(id, part), body: args };
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...ALWAYS[act], ...(where ? args : {}) }))
    for (const each of [value].flat()) query.append(key, String(each));
  return { method, path: jobPath(id, part) + (query.size ? `?${query}` : '') };
}

/** Return the request of a remedy: the node says itself what its command would send. */
export function requestOfRemedy(id, remedy) {
  if (!remedy.Method) return requestOf(id, remedy.Act, remedy.Args);
  return { method: remedy.Method, path: remedy.Path, body: remedy.Body ?? undefined };
}

export const hasRoute = act => act in ROUTES;
