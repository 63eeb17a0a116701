// Whether the job's servers were compared lately: a cut-over asks for it, since the node does not compare by itself.

import { html } from '../../core/html.js';
import { t } from '../../core/words.js';
import { get } from '../../core/api.js';
import { now } from '../../core/clock.js';
import { dur, num } from '../../core/formats.js';
import { useLoad } from '../../core/page.js';
import { href } from '../../core/route.js';
import { Icon } from '../../core/icons.js';
import { jobPath, msOf } from '../follow.js';

/** Seconds for which a comparison is taken for good. */
const GOOD_FOR = 24 * 3600;

async function lastOf(id) {
  try {
    return await get(jobPath(id, 'compare'));
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

/** Return what the last comparison says: a word, and its figures. */
export function verdict(comparison, at) {
  if (!comparison) return { word: 'never' };
  if (comparison.Repair) return { word: 'repair' };
  if (comparison.Differences || comparison.UnlikeDefinitions) {
    return { word: 'differs', n: comparison.Differences + comparison.UnlikeDefinitions };
  }
  const ended = msOf(comparison.State === 'done' ? comparison.Ended : comparison.LastRoundEnded);
  if (ended === null) return { word: comparison.State === 'running' ? 'running' : 'never' };
  const age = (at - ended) / 1000;
  if (comparison.State === 'done' && !comparison.Equal) return { word: 'partly', age };
  if (comparison.State !== 'done' && (comparison.LastRoundDifferences || comparison.LastRoundUnlikeDefinitions)) {
    return { word: 'differs', n: comparison.LastRoundDifferences + comparison.LastRoundUnlikeDefinitions };
  }
  if (comparison.Tables.length) return { word: 'some', n: comparison.Tables.length };
  return { word: age > GOOD_FOR ? 'stale' : 'equal', age };
}

export function Compared({ id, isThere }) {
  const { data, error, loading } = useLoad(() => (isThere ? lastOf(id) : null), [id, isThere]);
  if (loading) return html`<p class="compared">${'\u00a0'}</p>`;
  const found = error ? { word: 'unknown' } : verdict(data, now());
  const good = found.word === 'equal';
  return html`<p class="compared"><span class=${`state ${good ? 'ok' : 'warn'}`}>
    <${Icon} name=${good ? 'equal' : 'reconnecting'} />${t(`cutover.compared.${found.word}`,
  { n: num(found.n ?? 0), age: dur(found.age) })}</span>
    ${!good && html` <a href=${href('jobs', id, 'compare')}>${t('cutover.compare_first')}</a>`}</p>`;
}
