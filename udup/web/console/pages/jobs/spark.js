// The lag of an hour as a line of 84 by 22: its own scale, at least a second high; what is not known is a gap.
import { html, memo } from '../../core/html.js';

const WIDTH = 84;
const HEIGHT = 22;
const LEAST_MS = 1000;

export const Spark = memo(({ points, tone }) => {
  if (!points?.some(each => each != null)) return null;
  return html`<svg class=${`spark ${tone}`} viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true"><path d=${line(points)} /></svg>`;
});

/** Return the path; a point stands alone where its neighbours are not known. */
export function line(points) {
  const top = Math.max(LEAST_MS, ...points.map(each => each ?? 0));
  let path = '';
  let open = false;
  points.forEach((value, i) => {
    if (value == null) { open = false; return; }
    const x = (1 + i / Math.max(1, points.length - 1) * (WIDTH - 2)).toFixed(1);
    const y = (HEIGHT - 2 - value / top * (HEIGHT - 4)).toFixed(1);
    path += open ? `L${x} ${y}` : `M${x} ${y}h.1`;
    open = true;
  });
  return path;
}
