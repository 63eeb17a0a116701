// What every page does: its title, the focus, loading without a flicker, and saying what went wrong.
import { html, useEffect, useRef, useState } from './html.js';
import { ApiError } from './api.js';
import { Icon } from './icons.js';
import { title } from './title.js';
import { t } from './words.js';

/** Milliseconds for which nothing is shown while something loads, then a skeleton. */
const QUIET_MS = 200;

let painted = false;

/** Set the tab's title, and take the focus to the page's heading when the page has changed. Returns the heading's ref. */
export function usePage(name) {
  const heading = useRef(null);
  useEffect(() => { title.value = name; }, [name]);
  useEffect(() => {
    const target = heading.current || document.querySelector('main h1');
    if (painted && target && !document.querySelector('dialog[open]')) {
      target.tabIndex = -1;
      target.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    painted = true;
  }, []);
  return heading;
}

/**
 * Load what `fn({signal})` returns, again when `deps` change. {data, error, loading, retry}: `data` stays while it is
 * loaded again; `loading` becomes true when that takes longer than a moment.
 */
export function useLoad(fn, deps = []) {
  const [shown, show] = useState({ data: undefined, error: null, loading: false });
  const [turn, again] = useState(0);
  useEffect(() => {
    const ending = new AbortController();
    const slow = setTimeout(() => show(before => ({ ...before, loading: true })), QUIET_MS);
    const settle = change => {
      clearTimeout(slow);
      if (!ending.signal.aborted) show(before => ({ ...before, loading: false, ...change }));
    };
    Promise.resolve().then(() => fn({ signal: ending.signal })).then(
      data => settle({ data, error: null }),
      error => settle({ error }),
    );
    return () => { clearTimeout(slow); ending.abort(); };
  }, [...deps, turn]);
  return { ...shown, retry: () => again(count => count + 1), setData: data => show(before => ({ ...before, data })) };
}

/** Nothing for a moment, then what is inside. */
export function Late({ children }) {
  const [isShown, show] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => show(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, []);
  return isShown && children;
}

/** Grey bars of the height that the content will have. */
export function Skeleton({ rows = 5, height = 36 }) {
  return html`<div class="skeleton" role="status"><span class="hidden">${t('page.loading')}</span>
    ${Array.from({ length: rows }, (_, i) => html`<div key=${i} style=${{ height: `${height}px` }} aria-hidden="true"><i /></div>`)}</div>`;
}

/** A part that could not be loaded, with what can be done. */
export function Failed({ error, retry }) {
  return html`<div class="failed-part" role="alert"><${Icon} name="reconnecting" class="warn" />
    <div><p>${textOf(error)}</p><${Details} error=${error} /></div>
    ${retry && html`<button type="button" onClick=${retry}>${t('page.retry')}</button>`}</div>`;
}

/** The fields that an error names. */
export function Details({ error }) {
  if (!(error?.details?.length > 1 || error?.details?.[0]?.remedy)) return null;
  return html`<ul class="details">${error.details.map(({ field, problem, remedy }) => html`<li key=${field + problem}>
    ${field && html`<code>${field}</code>${' '}`}${problem}${remedy && html` <span class="soft">${remedy}</span>`}</li>`)}</ul>`;
}

/** Return an error in words. */
export const textOf = error => (error instanceof ApiError ? error.text : String(error?.message || error));

/** Nothing to show, and what to do about it. */
export function Empty({ title: heading, children }) {
  return html`<div class="empty"><p><b>${heading}</b></p>${children}</div>`;
}
