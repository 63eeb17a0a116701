// Addresses: #/PAGE/ID/TAB?query. An ID may hold any letter. Filters stand in the query, so that a link shows the same.
import { signal } from './html.js';

/** {page, id, tab, query}, of the address that is shown. */
export const route = signal(read());

/** Return the address of a page. */
export function href(page, id = '', tab = '', query = {}) {
  const path = [page, id && encodeURIComponent(id), tab].filter(Boolean).join('/');
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => isSet(value))).toString();
  return `#/${path}${search ? `?${search}` : ''}`;
}

/** Go to a page. */
export function go(page, id, tab, query) {
  location.hash = href(page, id, tab, query);
}

/** Change parts of the query; null, '' and undefined take a part out. Makes no entry in the browser's history. */
export function setQuery(changes) {
  const { page, id, tab, query } = route.value;
  history.replaceState(null, '', href(page, id, tab, { ...query, ...changes }));
  route.value = read();
}

const isSet = value => value !== null && value !== undefined && value !== '' && value !== false;

function read() {
  const [path, search = ''] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [page = '', id = '', tab = ''] = path.split('/').map(decoded);
  return { page: page || 'jobs', id, tab, query: Object.fromEntries(new URLSearchParams(search)) };
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

addEventListener('hashchange', () => { route.value = read(); });
