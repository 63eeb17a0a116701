// The node's clock, and the second hand of the page. A wrong clock of the viewer's machine does no harm.
import { signal } from './html.js';

/** Milliseconds since the epoch when the page was opened, and on from there: the machine's clock may be set back. */
export const steady = () => performance.timeOrigin + performance.now();

let offset = 0;
let known = false;
let frozen = false;

/** Milliseconds since the epoch by the node's clock. */
export const now = () => steady() + offset;

/** One more each second while the page is seen and hears of the node. */
export const tick = signal(0);

/** Take the node's time from a `Date` header, which counts whole seconds: a smaller error is none. */
export function heardTime(header) {
  const at = Date.parse(header || '');
  if (Number.isNaN(at)) return;
  const found = at + 500 - steady();
  if (!known || Math.abs(found - offset) > 1500) offset = found;
  known = true;
}

/** Stop the second hand while the node is not heard, so that old times do not grow as if they were fresh. */
export function freeze(still) {
  if (frozen && !still) tick.value += 1;
  frozen = still;
}

setInterval(() => { if (!document.hidden && !frozen) tick.value += 1; }, 1000);
document.addEventListener('visibilitychange', () => { if (!document.hidden && !frozen) tick.value += 1; });
