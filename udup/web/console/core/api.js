// Requests to the node. Paths are those of the API, `jobs` or `/v1/jobs`, and lead beside the page's own address, so
// that any prefix of a proxy works.
import { heardTime } from './clock.js';
import { has, t } from './words.js';

const ACCEPT = 'application/json, application/problem+json;q=0.9';
const PATIENCE_MS = 60_000;

/** An answer that is none: `status` is 0 where the node could not be reached. `details` name fields. */
export class ApiError extends Error {
  constructor(status, text, details = [], headers = null) {
    super(text);
    this.status = status;
    this.said = text;
    this.details = details;
    this.headers = headers;
  }

  /** The words of a failure of our own are looked up when they are shown: they may be on their way. */
  get text() {
    return this.status === 0 && has(this.said) ? t(this.said) : this.said;
  }
}

/** Who signs requests, and is told of a refusal: the session sets it. */
export const signer = { token: () => '', refused: () => {} };

const base = new URL('../', document.baseURI);

/** Return the address of a path of the API. */
export function address(path) {
  return new URL(`v1/${path.replace(/^\/?(v1\/)?/, '')}`, base);
}

/** Return the headers of every request. */
export function headers(more = {}) {
  const token = signer.token();
  return { Accept: ACCEPT, ...(token && { Authorization: `Bearer ${token}` }), ...more };
}

/** Return the answer as it came; `ApiError` for what is no success. */
export async function raw(path, { method = 'GET', body, signal, timeout = PATIENCE_MS, accept } = {}) {
  const signed = headers({ ...(accept && { Accept: accept }), ...(body !== undefined && { 'Content-Type': 'application/json' }) });
  const request = { method, headers: signed, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store' };
  request.signal = AbortSignal.any([AbortSignal.timeout(timeout), ...(signal ? [signal] : [])]);
  let answer;
  try {
    answer = await fetch(address(path), request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, error.name === 'TimeoutError' ? 'error.timeout' : 'error.unreachable');
  }
  heardTime(answer.headers.get('Date'));
  if (answer.ok) return answer;
  const error = await errorOf(answer);
  if (error.status === 401) signer.refused();
  throw error;
}

/** Return what a GET answers. */
export const get = async (path, options) => (await raw(path, options)).json();

/** Send a change; return what was answered, null where that is nothing. */
export async function send(method, path, body, options) {
  const text = await (await raw(path, { ...options, method, body })).text();
  return text ? JSON.parse(text) : null;
}

/** Return the error that an answer tells, in either of the API's forms. */
export async function errorOf(answer) {
  const text = (await answer.text()).trim();
  let told = null;
  try { told = JSON.parse(text); } catch { /* bare text */ }
  if (!told || typeof told !== 'object') return new ApiError(answer.status, text || `${answer.status} ${answer.statusText}`, [], answer.headers);
  const listed = told.errors || told.details || [];
  const details = listed.map(({ field = '', problem = '', remedy }) => {
    const [said, mends] = remedy === undefined ? problem.split(' -- ') : [problem, remedy];
    return { field, problem: said, remedy: mends || '' };
  });
  return new ApiError(answer.status, told.detail || told.error || told.title || text, details, answer.headers);
}
