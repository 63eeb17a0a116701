/**
 * A table of very many rows of one height: only those in sight, and a few beside them, are in the page.
 * The rows come from a server page by page; one that has not come yet is a grey bar of the right height.
 */
import { html, useEffect, useMemo, useRef, useState } from '../core/html.js';
import { useKeys } from '../core/keys.js';
import { Failed } from '../core/page.js';
import { Icon } from '../core/icons.js';
import { Pages } from './pages.js';

/** Rows above and below those in sight that are in the page, so that a scroll finds them there. */
const BESIDE = 6;

/**
 * @param {object} props
 * @param {string} props.label name of the table
 * @param {{key: string, title: any, class?: string, cell: (row: object) => any, sort?: string}[]} props.columns
 * @param {(offset: number, limit: number, signal: AbortSignal) => Promise<{rows: object[], total: number}>} props.load
 * @param {string} props.version another one: other rows, the list begins at its top
 * @param {number} [props.every] milliseconds after which what is in sight is loaded again, 0 for never
 * @param {(row: object) => string} props.rowKey
 * @param {{by: string, sort: (by: string) => void}} [props.order] how it is sorted; a column with `sort` can be chosen, `first`: which way it sorts at first
 */
export function Grid({ label, columns, load, version, every = 0, rowKey, height = 36, empty, order, kind = '' }) {
  const view = useRef();
  const [pages, inSight, setFirst] = usePages(view, { load, version, every, height });
  const rows = useRowKeys(view, pages, inSight, height);
  useEffect(() => {
    if (view.current) view.current.scrollTop = 0;
    setFirst(0);
    rows.leave();
  }, [version]);
  if (pages.total === null && pages.error) return html`<${Failed} error=${pages.error} retry=${() => pages.want(...inSight)} />`;
  if (pages.total === 0) return empty;
  const shown = [];
  for (let index = inSight[0]; index < Math.min(inSight[1], pages.total ?? inSight[1]); index++) shown.push(index);
  const seen = e => {
    setFirst(Math.max(0, Math.floor(e.currentTarget.scrollTop / height) - BESIDE));
    place(e.currentTarget.querySelector('.menu-items'));
  };
  return html`<div class="grid ${kind}">
    <div class="view" role="table" tabindex="0" aria-label=${label} aria-rowcount=${pages.total === null ? -1 : pages.total + 1}
      aria-busy=${pages.total === null} ref=${view} onScroll=${seen} onKeyDown=${rows.keyDown} onFocusIn=${rows.focused}>
      <${Head} columns=${columns} order=${order} />
      <div role="presentation" class="pane" style=${{ height: `${(pages.total ?? inSight[1]) * height}px` }}>
        <div role="rowgroup" class="shown" style=${{ top: `${inSight[0] * height}px` }}>
          ${shown.map(index => html`<${Row} key=${pages.at(index) ? rowKey(pages.at(index)) : index} row=${pages.at(index)} index=${index} columns=${columns} height=${height} />`)}
        </div>
      </div>
    </div>
    ${pages.error && pages.total !== null && html`<${Failed} error=${pages.error} retry=${() => pages.refresh(...inSight)} />`}
  </div>`;
}

function Head({ columns, order }) {
  return html`<div role="rowgroup" class="heads"><div role="row" class="row names" aria-rowindex="1">${columns.map(column => html`<${Heading} column=${column} order=${order} />`)}</div></div>`;
}

/** A column's name; of one that sorts a click is its first order, the next the other way, the third none. */
function Heading({ column, order }) {
  const { sort, title } = column, first = column.first ?? 'descending', other = first === 'descending' ? 'ascending' : 'descending';
  if (!sort) return html`<span role="columnheader" class=${column.class}>${title}</span>`;
  const at = order.by === sort ? first : order.by === `-${sort}` ? other : 'none';
  const next = at === first ? `-${sort}` : at === other ? '' : sort;
  return html`<span role="columnheader" class=${column.class} aria-sort=${at}><button type="button" class="sort" onClick=${() => order.sort(next)}>${title}
    ${at !== 'none' && html`<${Icon} name="down" class=${at === 'ascending' ? 'flip' : ''} />`}</button></span>`;
}

function Row({ row, index, columns, height }) {
  return html`<div role="row" class=${`row ${row ? '' : 'unloaded'}`} tabindex="-1" data-index=${index} aria-rowindex=${index + 2}
    style=${{ height: `${height}px` }}>${row
      ? columns.map(column => html`<span role="cell" class=${column.class}>${column.cell(row)}</span>`)
      : html`<span role="cell"><i class="blank"></i></span>`}</div>`;
}

/** Return the pages, the rows [from, to) that are in the page, and what tells the first one. */
function usePages(view, { load, version, every, height }) {
  const [, paint] = useState(0);
  const [first, setFirst] = useState(0);
  const [fits, setFits] = useState(12);
  const pages = useMemo(() => new Pages(load, () => paint(n => n + 1)), [version]);
  pages.load = load;
  const inSight = [first, first + fits + 2 * BESIDE];
  const now = useRef(inSight);
  now.current = inSight;
  useEffect(() => () => pages.close(), [pages]);
  useEffect(() => {
    if (pages.total === null) {
      pages.want(...inSight);
      return undefined;
    }
    const soon = setTimeout(() => pages.want(...inSight), 60); // a fast scroll asks for where it ends, not for all it passes
    return () => clearTimeout(soon);
  }, [pages, first, fits]);
  useEffect(() => {
    if (!every) return undefined;
    const again = setInterval(() => document.hidden || pages.refresh(...now.current), every);
    return () => clearInterval(again);
  }, [pages, every]);
  useEffect(() => {
    if (!view.current) return undefined;
    const sized = new ResizeObserver(([entry]) => setFits(Math.ceil(entry.contentRect.height / height)));
    sized.observe(view.current);
    return () => sized.disconnect();
  }, [pages.total === 0, height]);
  return [pages, inSight, setFirst];
}

/** Keys that go from row to row; PgUp, PgDn, Home and End scroll while no row has the focus. */
function useRowKeys(view, pages, inSight, height) {
  const at = useRef(-1), wanted = useRef(false), held = useRef(false);
  const go = to => {
    if (!pages.total || !view.current) return;
    at.current = Math.max(0, Math.min(pages.total - 1, to));
    wanted.current = true;
    const top = at.current * height, box = view.current, room = box.clientHeight - height; // the head covers one row
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top > box.scrollTop + room - height) box.scrollTop = top - room + height;
    focusRow();
  };
  const focusRow = () => {
    const row = wanted.current && view.current?.querySelector(`[data-index="${at.current}"]`);
    if (!row) return;
    wanted.current = false;
    row.focus({ preventScroll: true });
  };
  useEffect(() => {
    focusRow();
    if (!held.current || document.activeElement !== document.body) return;
    // The row with the focus was made again with its data, or was scrolled away: then the table has it.
    (view.current?.querySelector(`[data-index="${at.current}"]`) ?? view.current)?.focus({ preventScroll: true });
  });
  useEffect(() => {
    const elsewhere = e => { if (!view.current?.contains(e.target)) held.current = false; };
    document.addEventListener('pointerdown', elsewhere);
    return () => document.removeEventListener('pointerdown', elsewhere);
  }, []);
  useKeys({ j: () => go(at.current + 1), k: () => go(Math.max(0, at.current - 1)) });
  const focused = e => { // by a click or by Tab; not while a row that keys have gone to is still to be made
    place(e.target.closest('.menu-items'));
    const row = e.target.closest('[data-index]');
    held.current = Boolean(row);
    if (row && !wanted.current) at.current = Number(row.dataset.index);
  };
  return { leave: () => { at.current = -1; }, focused, keyDown: e => pressed(e, at, go, Math.max(1, (inSight[1] - inSight[0]) - 2 * BESIDE - 2)) };
}

/** Put the menu of a row beside its button, above it where there is no room below: the list would cut it off. */
function place(menu) {
  if (!menu) return;
  const button = menu.previousElementSibling.getBoundingClientRect(), { width, height } = menu.getBoundingClientRect();
  const below = button.bottom + 4, fits = below + height <= innerHeight;
  menu.style.top = `${fits ? below : Math.max(4, button.top - 4 - height)}px`;
  menu.style.left = `${Math.max(4, button.right - width)}px`;
}

function pressed(e, at, go, screen) {
  const row = e.target.closest('[data-index]');
  if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
    if (e.target.closest('[role=menu]')) return;
    go(e.key === 'ArrowDown' ? at.current + 1 : at.current - 1);
  } else if (!row || e.target !== row) return;
  else if (e.key === 'Enter') row.querySelector('button, a')?.click();
  else if (e.key === 'PageDown' || e.key === 'PageUp') go(at.current + (e.key === 'PageDown' ? screen : -screen));
  else if (e.key === 'Home' || e.key === 'End') go(e.key === 'Home' ? 0 : Infinity);
  else return;
  e.preventDefault();
}
