// The tab "Compare" of a job: the round under way, rows and definitions that differ, repairs, and the ledger.

import { html, useEffect, useRef, useState } from '../core/html.js';
import { t } from '../core/words.js';
import { Failed, Skeleton } from '../core/page.js';
import { jobPath, useFollow } from './follow.js';
import { Definitions } from './compare/definitions.js';
import { Differences } from './compare/differences.js';
import { Ledger } from './compare/ledger.js';
import { Round } from './compare/round.js';
import { useLedger } from './compare/pages.js';

/** Milliseconds between looks: at one that is under way, and at none. */
const CLOSE_LOOK = 1000;
const LOOK = 10000;

export default function Compare({ id, job }) {
  const { data: comparison, error, missing, loading, refresh } = useFollow(
    jobPath(id, 'compare'), known => (known?.State === 'running' ? CLOSE_LOOK : LOOK), job?.Comparison !== null);
  const ledger = useLedger(id);
  useFreshLedger(comparison, ledger);
  if (loading) return html`<${Skeleton} rows=${6} />`;
  if (!comparison && !missing) return html`<${Failed} error=${error} retry=${refresh} />`;
  const again = async () => {
    await refresh();
    ledger.reload();
  };
  const shared = { id, job, comparison, ledger, refresh: again };
  return html`<div class="stack compare">
    ${error && html`<${Failed} error=${error} retry=${refresh} />`}
    <${Round} ...${shared} />
    <${Differences} ...${shared} />
    <${Definitions} ...${shared} />
    <${Ledger} ...${shared} />
    <p class="hidden" role="status"><${Told} comparison=${comparison} /></p>
  </div>`;
}

/** Read the ledger again when the comparison has found more, has ended, or another one has begun. */
function useFreshLedger(comparison, ledger) {
  const mark = comparison ? [comparison.ID, comparison.State, comparison.Round, comparison.Differences,
    comparison.UnlikeDefinitions].join() : '';
  const seen = useRef(null);
  useEffect(() => {
    if (seen.current !== null && seen.current !== mark) ledger.reload();
    seen.current = mark;
  }, [mark]);
}

/** Tell a screen reader when a round has ended while it was looked at. */
function Told({ comparison }) {
  const [was, setWas] = useState(null);
  const state = comparison?.State ?? '';
  useEffect(() => { if (state === 'running') setWas(comparison.ID); }, [state, comparison?.ID]);
  if (!comparison || comparison.ID !== was || state === 'running') return null;
  return comparison.Equal ? t('compare.told.equal') : t(`compare.told.${state}`, { n: comparison.Differences });
}
