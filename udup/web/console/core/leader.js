// One tab of the browser reads the stream for all of them: over HTTP/1.1 a browser has six connections to a node.
// A Web Lock decides which tab; where the page is not served by HTTPS or loopback there are none, and the tabs agree
// by what they say on a channel: the oldest that is heard leads.
import { effect, signal } from './html.js';
import { place } from './kept.js';

const SAID_MS = 1000;
const SILENT_MS = 3500;

/** Behind one proxy several nodes may be served under prefixes of their own: their tabs have nothing in common. */
const NAME = `udup-events ${place}`;

/** The channel of all tabs of this console. */
export const channel = 'BroadcastChannel' in window ? new BroadcastChannel(NAME) : null;

/** This tab's name on the channel; names of tabs that were opened later sort behind. */
export const tab = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;

/** Whether this tab reads the stream. */
export const leads = signal(false);

/** Try to lead for as long as `wanted` is true. */
export function seekLead(wanted) {
  if (navigator.locks) byLock(wanted);
  else if (channel) byChannel(wanted);
  else effect(() => { leads.value = wanted.value; });
}

function byLock(wanted) {
  let giveUp = null;
  effect(() => {
    if (!wanted.value) {
      giveUp?.();
      giveUp = null;
      return;
    }
    const ending = new AbortController();
    let release = () => {};
    giveUp = () => { ending.abort(); release(); leads.value = false; };
    navigator.locks.request(NAME, { signal: ending.signal }, () => new Promise(resolve => {
      if (ending.signal.aborted) { resolve(); return; }
      release = resolve;
      leads.value = true;
    })).catch(() => { /* given up while it waited */ });
  });
}

function byChannel(wanted) {
  const heard = new Map();
  channel.addEventListener('message', ({ data }) => { if (data.kind === 'candidate') heard.set(data.tab, performance.now()); });
  const choose = () => {
    if (!wanted.value) { leads.value = false; return; }
    channel.postMessage({ kind: 'candidate', tab });
    const alive = [...heard].filter(([, at]) => performance.now() - at < SILENT_MS).map(([name]) => name);
    leads.value = alive.every(name => name > tab);
  };
  setInterval(choose, SAID_MS);
  effect(choose);
}
