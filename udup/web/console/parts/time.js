// Moments and how long ago they are. Their text changes by itself; nothing around it is painted again.
import { html, useComputed, useRef } from '../core/html.js';
import { ago, clock, since, utc } from '../core/formats.js';
import { tick } from '../core/clock.js';

const iso = at => {
  const time = typeof at === 'number' ? at : Date.parse(at || '');
  return time ? new Date(time).toISOString() : undefined;
};

/** A text that depends on `at` and is looked at each second. */
function useTicking(at, text) {
  const moment = useRef(at);
  moment.current = at;
  return useComputed(() => { void tick.value; return text(moment.current); });
}

/** A clock time, with its date where it is another day's. */
export const Time = ({ at, seconds, date }) => html`<time dateTime=${iso(at)} title=${utc(at)}>${clock(at, { seconds, date })}</time>`;

/** How long it has lasted: "7 min". */
export const Since = ({ at }) => html`<${Counting} key=${at} at=${at} text=${since} />`;

/** "7 min ago" */
export const Ago = ({ at }) => html`<${Counting} key=${at} at=${at} text=${ago} />`;

function Counting({ at, text }) {
  const shown = useTicking(at, text);
  return html`<time dateTime=${iso(at)} title=${utc(at)}>${shown}</time>`;
}
