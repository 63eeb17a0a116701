/** Something of a job that is asked for once and kept current by what the stream says of it. */
import { useEffect, useState } from '../../core/html.js';
import { get } from '../../core/api.js';
import { watch } from '../../core/live.js';
import { jobPath } from './requests.js';

/**
 * @param {string} path behind the job's own
 * @param {(old: any, found: object) => any} take puts an answer together with what is known, null at first
 * @param {(old: any, event: string, told: object) => any} news returns what is known then; `told` is of this job
 * @returns {{value: any, error: any}}
 */
export function useKeptCurrent(id, path, take, news) {
  const [value, setValue] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let here = true;
    setValue(null); // what is known of another job is none of this one's
    const stop = new AbortController();
    const load = () => get(jobPath(id, path), { signal: stop.signal })
      .then(found => { if (here) { setValue(old => take(old, found)); setError(null); } })
      .catch(failed => here && !stop.signal.aborted && setError(failed));
    load();
    const leave = watch([`job:${id}`], (event, told) => {
      if (event === 'reset') load();
      else if (told.ID === id) setValue(old => news(old, event, told));
    });
    return () => {
      here = false;
      stop.abort();
      leave();
    };
  }, [id]);
  return { value, error };
}
