// Shapes on a grid of 24. Trouble is a filled shape with a mark on it, all else an outline: so it is seen first in grey
// as well.
import { html } from './html.js';

const OCTAGON = 'M8.2 2.5h7.6l5.7 5.7v7.6l-5.7 5.7H8.2l-5.7-5.7V8.2z';
const TRIANGLE = 'M12 3.2 21.8 20.5H2.2z';
const DISC = 'M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19';
const RING = 'M12 2.8a9.2 9.2 0 1 0 0 18.4 9.2 9.2 0 0 0 0-18.4';
const TICK = 'M7.8 12.3l2.9 2.9 5.6-5.8';
const UNEQUAL = 'M7.6 9.8h8.8M7.6 14.2h8.8M14 7l-4 10';
const EXCLAMATION = 'M12 6.8v6.5M12 17v.1';

/** A filled shape and its mark. */
const FILLED = {
  __proto__: null,
  diverged: [OCTAGON, UNEQUAL],
  failed: [OCTAGON, EXCLAMATION],
  reconnecting: [TRIANGLE, 'M12 9.5v4.8M12 17.4v.1'],
  lagging: [DISC, 'M12 6.6V12l3.6 2.6'],
  differs: ['M12 1.8 22.2 12 12 22.2 1.8 12z', 'M8.2 10.2h7.6M8.2 13.8h7.6M13.6 7.8l-3.2 8.4'],
};

const OUTLINES = {
  __proto__: null,
  not_heard: 'M12 2.8a9.2 9.2 0 0 1 7.4 3.7M21.2 12a9.2 9.2 0 0 1-3.7 7.4M12 21.2a9.2 9.2 0 0 1-7.4-3.7M2.8 12a9.2 9.2 0 0 1 3.7-7.4M9.6 9.5a2.5 2.5 0 1 1 3.3 2.8c-.6.2-.9.7-.9 1.3M12 16.8v.1',
  cutting_over: 'M4 8.5h15.5l-3.8-3.8M20 15.5H4.5l3.8 3.8',
  copying: 'M12 2.8a9.2 9.2 0 1 0 9.2 9.2H12zM15.5 3.3a9.2 9.2 0 0 1 5.2 5.2h-5.2z',
  catching_up: 'm5 5.5 6.5 6.5L5 18.5M13 5.5l6.5 6.5-6.5 6.5',
  reloading: 'M20 11a8 8 0 0 0-14-4.6L3.5 9M3.5 4v5h5M4 13a8 8 0 0 0 14 4.6l2.5-2.6M20.5 20v-5h-5',
  pending: `${RING}M8 12h.01M12 12h.01M16 12h.01`,
  running: RING + TICK,
  copied: `M4 3.5h16v17H4z${TICK}`,
  paused: 'M8.5 4.5v15M15.5 4.5v15',
  equal: 'M5 9h14M5 15h14',
  comparing: 'M3 12h4l3-7.5 4 15 3-7.5h4',
  info: `${RING}M12 11v5.5M12 7.5v.1`,
  stop: 'M6 6h12v12H6z',
  start: 'm7 4.5 12.5 7.5L7 19.5z',
  connected: 'm5 12.5 4.8 4.8L19.5 7',
  definition: 'M8.5 5 3 12l5.5 7M15.5 5 21 12l-5.5 7',
  throttled: 'M4 17a9 9 0 1 1 16 0M12 14l4.5-5',
  document: 'M6 2.8h8.5L19 7.3v13.9H6zM14 3v5h5M9 13h7M9 17h7',
  moved: 'M3 6h7v5H3zM14 13h7v5h-7zM10 8.5h7.5V13',
  jobs: 'M4 6h10M4 12h16M4 18h7',
  subscriptions: 'M4 11a9 9 0 0 1 9 9M4 4a16 16 0 0 1 16 16M5 19h.01',
  nodes: 'M3 4h18v6.5H3zM3 13.5h18V20H3zM7 7.2h.01M7 16.7h.01',
  processes: 'M9 3h6v5H9zM4 16h5v5H4zM15 16h5v5h-5zM12 8v4M6.5 16v-4h11v4',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M20.5 20.5 16 16',
  plus: 'M12 5v14M5 12h14',
  arrow: 'M4 12h15.5M14 6.5l5.5 5.5-5.5 5.5',
  more: 'M3.8 12a1.2 1.2 0 1 0 2.4 0 1.2 1.2 0 1 0-2.4 0M10.8 12a1.2 1.2 0 1 0 2.4 0 1.2 1.2 0 1 0-2.4 0M17.8 12a1.2 1.2 0 1 0 2.4 0 1.2 1.2 0 1 0-2.4 0',
  copy: 'M9 9h11.5v11.5H9zM15 5.5V3.5H3.5V15h2',
  close: 'M5.5 5.5l13 13M18.5 5.5l-13 13',
  down: 'm6 9.5 6 6 6-6',
  right: 'm9.5 6 6 6-6 6',
  left: 'm14.5 6-6 6 6 6',
  lock: 'M5 11h14v10H5zM8 11V7.5a4 4 0 0 1 8 0V11',
  key: 'M8 10.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M11.2 11.8 20 3M16.5 6.5l3 3',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5',
  moon: 'M20.5 14.5A8.8 8.8 0 0 1 9.5 3.5a8.8 8.8 0 1 0 11 11z',
  system: 'M3 4.5h18v12H3zM8 20.5h8M12 16.5v4',
  disk: 'M4 5.5h16v13H4zM7.5 15h.01M11 15h5',
  book: 'M12 6c-2-1.5-5-2-8.5-2v14.5c3.5 0 6.5.5 8.5 2 2-1.5 5-2 8.5-2V4c-3.5 0-6.5.5-8.5 2zM12 6v14.5',
  table: 'M3.5 4.5h17v15h-17zM3.5 9.5h17M9.5 9.5v10',
  skip: 'm5 5 8 7-8 7M17.5 5v14',
  edit: 'M4 20l1-4.5L16.5 4 20 7.5 8.5 19z',
  undone: 'M4 9h10.5a5.5 5.5 0 0 1 0 11H8M8.5 4.5 4 9l4.5 4.5',
  left_out: 'M6 12h12',
  trash: 'M4 6.5h16M9 6.5V4h6v2.5M6 6.5l1 14h10l1-14',
};

const SAME = {
  __proto__: null,
  live: 'running', completed: 'copied', waiting: 'pending', stopped: 'paused', joining: 'catching_up', table_complete: 'copied',
  copy_complete: 'connected', caught_up: 'connected', compared: 'equal', repaired: 'connected', resumed: 'start', started: 'start',
  cutover: 'cutting_over', skipped: 'skip', reload: 'reloading', logo: 'cutting_over', warn: 'reconnecting', bad: 'failed', ok: 'connected',
};

/** Whether there is a shape of this name. */
export const isIcon = name => name in FILLED || name in OUTLINES || name in SAME;

/** Show a shape by its name; it is never alone, a word stands beside it. */
export function Icon({ name, class: more = '' }) {
  const known = SAME[name] || name;
  const filled = FILLED[known];
  return html`<svg class=${`icon ${more}`} viewBox="0 0 24 24" aria-hidden="true">
    <path class=${filled ? 'fill' : ''} d=${filled ? filled[0] : OUTLINES[known] || OUTLINES.info} />
    ${filled && html`<path class="mark" d=${filled[1]} />`}</svg>`;
}
