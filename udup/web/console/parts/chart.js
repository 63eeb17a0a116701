/**
 * Lines over time, with events as dotted lines across them. Gaps stay gaps. The arrow keys move a cursor that is
 * read out, and "As table" shows the same as one row a minute.
 */
import { html, useEffect, useMemo, useRef, useState } from '../core/html.js';
import { Icon } from '../core/icons.js';
import { clock } from '../core/formats.js';
import { t } from '../core/words.js';
import uPlot from '../vendor/uplot.js';

/** Pixels that the icon of a mark needs: of marks that are closer only the first has one. */
const ICON = 16;

/** Room above the plot for these icons. */
const ABOVE = 22;

/** Rows of the table. */
const TABLE_ROWS = 60;

/** Return what a colour of the style is in this theme: a canvas knows no variables. */
function token(name) {
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = `var(${name})`;
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

const COLOURS = { bad: '--bad', warn: '--warn', ok: '--ok', info: '--accent', idle: '--text-3' };

/**
 * @param {object} props
 * @param {string} props.label a sentence that says what there is to see
 * @param {number[]} props.times milliseconds since the epoch, ascending
 * @param {{name: string, values: (number|null)[], format: (n: number) => string, tick?: (n: number) => string, axis: 'left'|'right', dashed?: boolean, least: number}[]} props.lines
 * @param {{at: number, icon: string, tone: string, text: string}[]} [props.marks]
 * @param {boolean} [props.asTable]
 */
export function Chart({ label, times, lines, marks = [], height = 216, asTable = false }) {
  const box = useRef(), plot = useRef(), drawn = useRef();
  const [cursor, setCursor] = useState(null);
  const [places, setPlaces] = useState([]);
  const [look, setLook] = useState(0);
  drawn.current = { times, lines, marks };
  const shape = lines.map(line => `${line.name}/${line.axis}`).join();
  useEffect(() => onLook(() => setLook(n => n + 1)), []);
  useEffect(() => {
    if (asTable || !box.current) return undefined;
    const made = draw(box.current, height, drawn, setCursor, setPlaces);
    plot.current = made;
    const sized = new ResizeObserver(() => box.current && made.setSize({ width: box.current.clientWidth, height }));
    sized.observe(box.current);
    return () => {
      sized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [asTable, shape, look, height]);
  useEffect(() => {
    plot.current?.setData(data(drawn.current));
  }, [times, lines.map(line => line.values).flat(0).length, lines[0].values, lines[1]?.values, marks]);
  if (asTable) return html`<${Minutes} label=${label} times=${times} lines=${lines} height=${height} />`;
  const at = cursor === null ? null : Math.min(cursor, times.length - 1);
  return html`<div class="chart">
    <div class="plot" role="img" tabindex="0" aria-label=${`${label} ${t('job.chart_keys')}`} ref=${box} style=${{ height: `${height}px` }}
      onKeyDown=${e => moved(e, plot.current, times, at, setCursor)} onBlur=${() => setCursor(null)}></div>
    <div class="marks" aria-hidden="true">${places.map(({ mark, left }) =>
      html`<span class=${`tone-${mark.tone}`} title=${mark.text} style=${{ left: `${left - ICON / 2}px` }}><${Icon} name=${mark.icon} /></span>`)}</div>
    <p class="readout" aria-live="polite">${at === null ? '' : told(at, times, lines, marks)}</p>
  </div>`;
}

function told(at, times, lines, marks) {
  const half = (times[1] - times[0]) / 2;
  const here = marks.filter(mark => Math.abs(mark.at - times[at]) <= half).map(mark => mark.text);
  const figures = lines.map(line => `${line.name} ${line.values[at] == null ? t('job.chart_unknown') : line.format(line.values[at])}`);
  return [clock(times[at], { seconds: true }), ...figures, ...here].join(' · ');
}

function moved(e, plot, times, at, setCursor) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30, Home: -Infinity, End: Infinity };
  if (!(e.key in steps) || !plot) return;
  e.preventDefault();
  const begins = at === null && e.key !== 'Home'; // with the newest
  const to = begins ? times.length - 1 : Math.max(0, Math.min(times.length - 1, (at ?? 0) + steps[e.key]));
  plot.setCursor({ left: plot.valToPos(times[to] / 1000, 'x'), top: 10 });
  setCursor(to);
}

const data = ({ times, lines }) => [times.map(time => time / 1000), ...lines.map(line => line.values)];

/** The hour's own times have no date, whatever day it was at their beginning. */
const hours = seconds => new Date(seconds * 1000).toTimeString().slice(0, 5);

/** Return uPlot's chart of it, which reads `drawn` anew whenever it draws. */
function draw(box, height, drawn, setCursor, setPlaces) {
  const { lines } = drawn.current;
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: token('--text-3'), font, grid: { stroke: token('--line'), width: 1 }, ticks: { show: false } };
  const scaleOf = line => (line.axis === 'right' && lines.length > 1 ? 'right' : 'left');
  const yAxis = line => ({
    ...axis, scale: scaleOf(line), side: scaleOf(line) === 'right' ? 1 : 3, size: 60,
    grid: scaleOf(line) === 'right' ? { show: false } : axis.grid, values: (_, values) => values.map(value => (line.tick ?? line.format)(value)),
  });
  const least = line => ({ range: (_, low, high) => [0, Math.max(line.least, (high ?? 0) * 1.15)] });
  const strokes = ['--accent', '--series-2'].map(token);
  return new uPlot({
    width: box.clientWidth, height, legend: { show: false }, padding: [ABOVE, lines.length > 1 ? 0 : 16, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: Object.fromEntries(lines.map(line => [scaleOf(line), least(line)])),
    axes: [{ ...axis, size: 28, space: 64, values: (_, values) => values.map(hours) }, ...lines.map(yAxis)],
    series: [{}, ...lines.map(line => ({
      stroke: line.dashed ? strokes[1] : strokes[0], dash: line.dashed ? [6, 4] : undefined, scale: scaleOf(line), width: 1.5, points: { show: false },
    }))],
    hooks: {
      draw: [plot => setPlaces(marked(plot, drawn.current.marks))],
      setCursor: [plot => { if (plot.cursor.event) setCursor(plot.cursor.left < 0 ? null : plot.cursor.idx); }],
    },
  }, data(drawn.current), box);
}

/** Whose icon is shown where several have no room. */
const FIRST = ['bad', 'warn', 'info', 'ok', 'idle'];

/** Draw the lines of the marks, and return where icons have room: trouble before all else. */
function marked(plot, marks) {
  const { ctx, bbox } = plot, colours = new Map(), places = [];
  const colourOf = tone => colours.get(tone) ?? colours.set(tone, token(COLOURS[tone] ?? '--text-3')).get(tone);
  ctx.save();
  ctx.setLineDash([3, 3]);
  ctx.lineWidth = 1;
  for (const mark of [...marks].sort((a, b) => FIRST.indexOf(a.tone) - FIRST.indexOf(b.tone))) {
    const x = Math.round(plot.valToPos(mark.at / 1000, 'x', true)) + 0.5;
    if (!(x >= bbox.left && x <= bbox.left + bbox.width)) continue;
    ctx.strokeStyle = colourOf(mark.tone);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const left = x / devicePixelRatio;
    if (!places.some(place => Math.abs(place.left - left) < ICON)) places.push({ mark, left });
  }
  ctx.restore();
  return places;
}

/** Call `changed` when the theme or the language is another one: a canvas has the colours that it was drawn with. */
function onLook(changed) {
  const seen = new MutationObserver(changed);
  seen.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'class', 'lang'] });
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', changed);
  return () => {
    seen.disconnect();
    dark.removeEventListener('change', changed);
  };
}

/** One row a minute, the newest first: the highest of each line in it. */
function Minutes({ label, times, lines, height }) {
  const rows = useMemo(() => {
    const each = Math.max(1, Math.round(times.length / TABLE_ROWS)), found = [];
    for (let end = times.length; end > 0; end -= each) {
      const from = Math.max(0, end - each);
      found.push({ time: times[end - 1], values: lines.map(line => highest(line.values.slice(from, end))) });
    }
    return found;
  }, [times, lines]);
  return html`<div class="as-table" tabindex="0" role="region" aria-label=${label} style=${{ height: `${height}px` }}><table>
    <thead><tr><th scope="col">${t('job.chart_time')}</th>${lines.map(line => html`<th scope="col">${line.name}</th>`)}</tr></thead>
    <tbody>${rows.map(row => html`<tr key=${row.time}><th scope="row">${clock(row.time)}</th>
      ${row.values.map((value, i) => html`<td>${value === null ? t('job.chart_unknown') : lines[i].format(value)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** Return the highest of these figures, null where none is known. */
export const highest = values => values.reduce((found, value) => (value == null ? found : found === null ? value : Math.max(found, value)), null);
