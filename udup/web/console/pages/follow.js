// A resource that changes while it is looked at: asked again and again, as often as what it says calls for.

import { useCallback, useEffect, useRef, useState } from '../core/html.js';
import { get } from '../core/api.js';

/**
 * Follow one resource. `pause(data)` gives the milliseconds until the next look; a hidden tab asks no more until it is
 * seen again. A failed look leaves what is known, and says so in `error`; `missing`: there is none. `isThere` false: it
 * is known that there is none, and it is asked for only by `refresh`.
 * @returns {{data: any, error: any, missing: boolean, loading: boolean, refresh: () => Promise<void>}}
 */
export function useFollow(path, pause, isThere = true) {
  const [state, setState] = useState({ data: null, error: null, missing: false, loading: true });
  const look = useRef(() => Promise.resolve());
  const pauseOf = useRef(pause);
  pauseOf.current = pause;
  const followed = useRef('');
  useEffect(() => {
    const ends = new AbortController();
    let timer = 0;
    let known = null;
    let number = 0;
    const again = (ms) => {
      clearTimeout(timer);
      if (!ends.signal.aborted && !document.hidden) timer = setTimeout(() => look.current(), ms);
    };
    look.current = async () => {
      clearTimeout(timer);
      number += 1;
      const mine = number;
      const stale = () => ends.signal.aborted || mine !== number;
      try {
        const data = await get(path, { signal: ends.signal });
        if (stale()) return;
        known = data;
        setState({ data, error: null, missing: false, loading: false });
      } catch (error) {
        if (stale()) return;
        if (error.status === 404) {
          known = null;
          setState({ data: null, error: null, missing: true, loading: false });
        } else {
          setState((before) => ({ ...before, error, loading: false }));
        }
      }
      again(pauseOf.current(known));
    };
    const seen = () => { if (!document.hidden && (isThere || known)) look.current(); };
    if (followed.current !== path) setState({ data: null, error: null, missing: !isThere, loading: isThere });
    followed.current = path;
    if (isThere) look.current();
    document.addEventListener('visibilitychange', seen);
    return () => {
      ends.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [path, isThere]);
  const refresh = useCallback(() => look.current(), []);
  return { ...state, refresh };
}

/** Return an API path of a job. */
export function jobPath(id, part = '') {
  return `job/${encodeURIComponent(id)}${part && `/${part}`}`;
}

/** Return a word as a shell takes it. */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`;
}

const NEVER = '0001-01-01';

/** Return the milliseconds since 1970 of a time in an answer, null for never. */
export function msOf(time) {
  return !time || time.startsWith(NEVER) ? null : Date.parse(time);
}
