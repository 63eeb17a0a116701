// The ledger of a job's differences as the API gives it, a page at a time. What is read again takes the place of what
// stood there when it has come, so that nothing moves while it loads.

import { useCallback, useEffect, useRef, useState } from '../../core/html.js';
import { get } from '../../core/api.js';
import { jobPath, msOf } from '../follow.js';

/** Rows of a page. */
export const PAGE = 200;

const NOTHING = { rows: [], definitions: [], page: 0, next: '', error: null, loaded: false, loading: false };

/** Read the ledger: {rows, definitions, page, next, error, loaded, reload, turn}; `turn(by)` goes to another page. */
export function useLedger(id) {
  const [state, setState] = useState(NOTHING);
  const ends = useRef(null);
  const places = useRef(['']); // what each page begins after
  const at = useRef(0);
  const read = useCallback(async page => {
    ends.current?.abort();
    const mine = new AbortController();
    ends.current = mine;
    setState(before => ({ ...before, loading: true }));
    try {
      const after = places.current[page];
      const query = new URLSearchParams({ limit: PAGE, ...(after && { after }) });
      const found = await get(`${jobPath(id, 'differences')}?${query}`, { signal: mine.signal });
      if (mine.signal.aborted) return;
      at.current = page;
      places.current = [...places.current.slice(0, page + 1), ...(found.Next ? [found.Next] : [])];
      const definitions = found.Rows.filter(isDefinition);
      setState(before => ({
        rows: found.Rows.filter(row => !isDefinition(row)), page, next: found.Next, error: null, loaded: true,
        definitions: page === 0 ? definitions : before.definitions, loading: false,
      }));
    } catch (error) {
      if (!mine.signal.aborted) setState(before => ({ ...before, error, loaded: true, loading: false }));
    }
  }, [id]);
  useEffect(() => {
    places.current = [''];
    at.current = 0;
    setState(NOTHING);
    read(0);
    return () => ends.current?.abort();
  }, [id]);
  return { ...state, reload: () => read(at.current), turn: by => read(at.current + by) };
}

export const isRepaired = row => msOf(row.Repaired) !== null;
export const isDefinition = row => Boolean(row.Definition);
export const tableOf = row => `${row.Schema}.${row.Table}`;

/** Return what tells a row of the ledger from all others. */
export const keyOf = row => [row.Schema, row.Table, row.Key, row.Kind, row.Definition, row.Repaired].join('\u0000');
