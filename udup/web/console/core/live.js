// What is new on the node, once for all tabs of the browser: one stream, read by the tab that leads; the others get it
// over a channel. Where streams fail the jobs are asked for again and again.
import { batch, computed, effect, signal } from './html.js';
import { freeze, now, steady, tick } from './clock.js';
import { channel, leads, seekLead, tab } from './leader.js';
import { self, signedOut } from './session.js';
import { readStream } from './stream.js';
import { poll } from './polling.js';

export { now, steady, tick };

const PAINT_MS = 250;
const LOST_MS = 10_000;
const HIDDEN_MS = 60_000;
const TRIES_BEFORE_POLLING = 3;
const WAITS_S = [1, 2, 4, 8, 15];

/** {state: 'live'|'trying'|'polling'|'lost', heardAt, node, nextTry, why}: times by `steady` of core/clock.js. */
export const connection = signal({ state: 'trying', heardAt: steady(), node: '', nextTry: 0, why: '' });

/** Whether the node has not been heard for so long that nothing on the page can be taken for fresh. */
export const isStale = computed(() => connection.value.state === 'lost');

const watchers = new Map(); // topic → handlers of this tab
const options = new Map(); // topic → {table, rate}, of tails
const wantedBy = new Map(); // other tab → {topics, options, at}
const awake = signal(!document.hidden);
const wanted = signal(''); // {topics, options} of all tabs as JSON, '' while nothing is wanted

let queue = [];
let painting = 0;
let lastId = '';
let reading = null;
let failures = 0;
let retryAt = 0;

/**
 * Call `handler(type, data)` for what comes of the topics, until the returned function is called. `more`: {table, rate}
 * of a tail; where two ask for other ones the last has its way.
 */
export function watch(topics, handler, more = null) {
  const names = [topics].flat();
  for (const name of names) {
    if (!watchers.has(name)) watchers.set(name, new Set());
    watchers.get(name).add(handler);
    if (more) options.set(name, more);
  }
  wantChanged();
  return () => {
    for (const name of names) {
      watchers.get(name)?.delete(handler);
      if (watchers.get(name)?.size) continue;
      watchers.delete(name);
      options.delete(name);
    }
    wantChanged();
  };
}

/** Try again now. */
export function tryNow() {
  retryAt = 0;
  failures = Math.min(failures, 1);
  channel?.postMessage({ kind: 'try' });
  if (leads.value) restart();
}

function wantChanged() {
  queueMicrotask(() => {
    const topics = awake.value ? [...watchers.keys()] : [];
    channel?.postMessage({ kind: 'want', tab, topics, options: optionsOf(topics) });
    merge();
  });
}

function merge() {
  const fresh = performance.now() - 20_000;
  for (const [name, { at }] of wantedBy) if (at < fresh) wantedBy.delete(name);
  const topics = new Set(awake.value ? watchers.keys() : []);
  const more = optionsOf(topics);
  for (const theirs of wantedBy.values()) {
    theirs.topics.forEach(topic => topics.add(topic));
    Object.assign(more, theirs.options);
  }
  wanted.value = topics.size ? JSON.stringify({ topics: [...topics].sort(), options: more }) : '';
}

const optionsOf = topics => Object.assign({}, ...[...topics].map(topic => options.get(topic) || {}));

function receive({ data }) {
  if (data.kind === 'want') {
    wantedBy.set(data.tab, { topics: data.topics, options: data.options, at: performance.now() });
    merge();
    if (leads.value) say(connection.value);
  } else if (data.kind === 'gone') {
    wantedBy.delete(data.tab);
    merge();
  } else if (data.kind === 'event' && !leads.value) {
    take(data.type, data.data);
  } else if (data.kind === 'connection' && !leads.value) {
    const at = time => time && time + steady(); // each tab has a clock of its own
    connection.value = { ...data.connection, heardAt: at(data.connection.heardAt), nextTry: at(data.connection.nextTry) };
  } else if (data.kind === 'try' && leads.value) {
    retryAt = 0;
    restart();
  }
}

/** Tell the other tabs how it is, by how long ago and how soon. */
function say(state) {
  const from = time => time && time - steady();
  channel?.postMessage({ kind: 'connection', connection: { ...state, heardAt: from(state.heardAt), nextTry: from(state.nextTry) } });
}

function become(change) {
  connection.value = { ...connection.value, ...change };
  say(connection.value);
}

let saidHeard = 0;
function heard() {
  failures = 0;
  const at = steady();
  if (at - saidHeard < 500 && connection.value.state === 'live') return;
  saidHeard = at;
  become({ state: 'live', heardAt: at, nextTry: 0, why: '' });
}

function tell(type, data) {
  channel?.postMessage({ kind: 'event', type, data });
  take(type, data);
}

/** Keep an event for the next painting: the page is painted at most four times a second. */
function take(type, data) {
  if (type === 'hello') become({ node: data.Node });
  queue.push([type, data]);
  painting ||= setTimeout(paint, PAINT_MS);
}

function paint() {
  painting = 0;
  const events = queue;
  queue = [];
  batch(() => {
    for (const [type, data] of events) {
      for (const handler of new Set(topicsOf(type, data).flatMap(topic => [...(watchers.get(topic) || [])]))) handler(type, data);
    }
  });
}

/** Return the topics that an event belongs to; what belongs to none is for all. */
function topicsOf(type, data) {
  switch (type) {
    case 'jobs': return ['jobs'];
    case 'nodes': return ['nodes'];
    case 'job': return [`job:${data.Job?.ID ?? data.ID}`];
    case 'timeline': case 'series': return [`job:${data.ID}`];
    case 'message': return [`tail:${data.ID}`];
    case 'error': return data.Topic ? [data.Topic] : [...watchers.keys()];
    default: return [...watchers.keys()];
  }
}

function restart() {
  reading?.abort();
  reading = null;
  if (leads.value && wanted.value && !signedOut.value) void run(JSON.parse(wanted.value));
}

async function run({ topics, options: more }) {
  const ending = new AbortController();
  reading = ending;
  const { signal: ended } = ending;
  while (!ended.aborted) {
    try {
      await readStream(topics, more, lastId, { onEvent: tell, onHeard: heard, onId: id => { lastId = id; }, signal: ended });
      failures += 1; // it ended: the node stops, or something between has cut it
      become({ why: '' });
    } catch (error) {
      if (ended.aborted) return;
      if (error.status === 401) { lastId = ''; return; }
      failures += 1;
      become({ why: error.text || '' });
    }
    if (failures >= TRIES_BEFORE_POLLING && await poll(topics, { tell, onHeard: polled, signal: ended })) continue;
    await rest(ended);
  }
}

function polled() {
  become({ state: 'polling', heardAt: steady(), nextTry: 0 });
}

/** Wait until the next try, or until the viewer wants it. */
async function rest(ended) {
  retryAt = steady() + 1000 * WAITS_S[Math.min(failures, WAITS_S.length) - 1];
  become({ state: connection.value.state === 'lost' ? 'lost' : 'trying', nextTry: retryAt });
  while (!ended.aborted && steady() < retryAt) await new Promise(resolve => { setTimeout(resolve, 100); });
}

/** Every second: is the node still heard? */
function look() {
  const { heardAt, state } = connection.value;
  const silent = !document.hidden && awake.value && watchers.size && steady() - heardAt > LOST_MS;
  if (silent && state !== 'lost') connection.value = { ...connection.value, state: 'lost' };
  freeze(connection.value.state === 'lost');
}

let hiddenTimer = 0;
function seen() {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(() => { awake.value = false; wantChanged(); }, HIDDEN_MS);
  } else if (!awake.value) {
    connection.value = { ...connection.value, heardAt: steady(), state: 'trying' };
    awake.value = true;
    wantChanged();
  }
}

/** Begin to hear what is new, as soon as somebody is signed in. */
export function startLive() {
  channel?.addEventListener('message', receive);
  document.addEventListener('visibilitychange', seen);
  addEventListener('pagehide', () => channel?.postMessage({ kind: 'gone', tab }));
  setInterval(look, 1000);
  setInterval(wantChanged, 5000);
  seekLead(computed(() => awake.value && !signedOut.value && self.value !== null));
  effect(() => { void [leads.value, wanted.value, signedOut.value]; restart(); });
}

