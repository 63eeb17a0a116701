/** Step 4: what the job would meet if it were started now, with what mends it. */
import { html, signal, useEffect } from '../../core/html.js';
import { send } from '../../core/api.js';
import { Icon } from '../../core/icons.js';
import { Failed, Skeleton } from '../../core/page.js';
import { signedOut } from '../../core/session.js';
import { t } from '../../core/words.js';
import { draft, remember } from './draft.js';
import { Grants } from './grants.js';
import { Remedy } from './remedy.js';

/** {key, busy, checks, error, faults}: of the last check; `key` is the document that was checked. */
export const checked = signal(null);

const keyOf = (value) => JSON.stringify({ ...value.document, Name: '', ID: '' });

/** Return the last check, if it was of the document as it is now. */
export const checkOf = (value) => (checked.value?.key === keyOf(value) ? checked.value : null);

/** What is asked: the document as it would be posted; the name, which comes last, changes nothing. */
const posted = ({ document }) => ({ ...document, Name: document.Name || 'new' });

export async function runCheck() {
  const value = draft.value;
  const key = keyOf(value);
  const before = checkOf(value);
  if (before?.busy) return;
  checked.value = { key, busy: true, checks: before?.checks ?? null, error: null, faults: [] };
  try {
    const { Checks } = await send('POST', 'validate/job', posted(value));
    settle({ key, busy: false, checks: Checks, error: null, faults: [] });
  } catch (error) {
    const faults = error.status === 400 || error.status === 409 ? faultsOf(error) : [];
    settle({ key, busy: false, checks: null, error: faults.length ? null : error, faults });
  }
}

function settle(found) {
  if (checked.value?.key !== found.key) return;
  checked.value = found;
  remember({ read: '' });
}

/** Return what the API says of a document, one by one. */
export const faultsOf = (error) => (error.details?.length ? error.details : [{ field: '', problem: error.text, remedy: '' }]);

const of = (result, checks) => (checks ?? []).filter((each) => each.Result === result);

/** Say whether the job may be started: nothing fails, and warnings were read. */
export function isPassed(value) {
  const found = checkOf(value);
  if (!found?.checks || found.busy || of('fail', found.checks).length) return false;
  return !of('warn', found.checks).length || value.ui.read === found.key;
}

export function Check() {
  const value = draft.value;
  const found = checkOf(value);
  const out = signedOut.value;
  useEffect(() => {
    if (!out && (!found || found.error?.status === 401)) runCheck();
  }, [out]);
  if (found?.error && found.error.status !== 401) return html`<section class="card"><${Failed} error=${found.error}
    retry=${runCheck} /></section>`;
  if (!found?.checks) return found?.faults?.length ? html`<${Again} busy=${found.busy} />` : html`<section class="card">
    <${Skeleton} rows=${6} height=${40} /></section>`;
  const [failed, warned, passed] = ['fail', 'warn', 'pass'].map((result) => of(result, found.checks));
  return html`<div class="stack"><p role="status" class="note"><${Icon}
    name=${failed.length ? 'failed' : warned.length ? 'reconnecting' : 'running'} class=${failed.length ? 'bad' : warned.length ? 'warn' : 'ok'} />
      <span>${found.busy ? t('wizard.check.busy') : summary(failed, warned)}</span></p>
    <${Group} title=${t('wizard.check.failed', { n: failed.length })} checks=${failed} icon="failed" tone="bad" />
    <${Group} title=${t('wizard.check.warned', { n: warned.length })} checks=${warned} icon="reconnecting" tone="warn" />
    ${!failed.length && warned.length > 0 && html`<label class="check"><input type="checkbox" id="field-read"
      checked=${value.ui.read === found.key} onChange=${(event) => remember({ read: event.currentTarget.checked ? found.key : '' })} />
      <span>${t('wizard.check.read', { n: warned.length })}</span></label>`}
    ${passed.length > 0 && html`<section class="card"><details class="pad form-more">
      <summary>${t('wizard.check.passed', { n: passed.length })}</summary><${Checks} checks=${passed} icon="running" tone="ok" />
      </details></section>`}
    <${Again} busy=${found.busy} /></div>`;
}

function summary(failed, warned) {
  if (failed.length) return t('wizard.check.no');
  return warned.length ? t('wizard.check.maybe') : t('wizard.check.yes');
}

const Again = ({ busy }) => html`<div><button type="button" aria-busy=${busy}
  onClick=${() => runCheck()}>${t(busy ? 'wizard.check.busy' : 'wizard.check.again')}</button></div>`;

function Group({ title, checks, icon, tone }) {
  if (!checks.length) return null;
  const ends = [...new Set(checks.filter(({ Check: name }) => /privilege/.test(name)).map(({ Task }) => Task))].filter(Boolean);
  return html`<section class="card"><header><h2>${title}</h2></header><div class="pad stack"><${Checks} checks=${checks}
    icon=${icon} tone=${tone} />
    ${ends.map((end) => html`<${Grants} key=${end} end=${end} />`)}</div></section>`;
}

function Checks({ checks, icon, tone }) {
  return html`<ul class="wizard-checks">${checks.map((each, place) => html`<li key=${place}><${Icon} name=${icon} class=${tone} />
    <div class="stack tight"><p><span class="faint small">${endOf(each.Task)} · <code>${each.Check}</code></span><br /><span
      class="wrap">${each.Found}</span></p>
      <${Remedy} text=${each.Remedy} /></div></li>`)}</ul>`;
}

const endOf = (task) => t({ Src: 'wizard.source', Dest: 'wizard.target' }[task] ?? 'wizard.check.job');
