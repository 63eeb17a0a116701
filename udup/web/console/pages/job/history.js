/** The documents that a job has had: who brought each, when, what it changed, and the way back to it. */
import { html, useState } from '../../core/html.js';
import { get } from '../../core/api.js';
import { Empty, Failed, Skeleton, useLoad } from '../../core/page.js';
import { canWrite } from '../../core/session.js';
import { t } from '../../core/words.js';
import { ActButton } from '../../parts/button.js';
import { Time } from '../../parts/time.js';
import { carryOut, command } from './acts.js';
import { jobPath } from './requests.js';

/** Changes that a dialog tells one by one. */
const TOLD = 8;

export function History({ job, reload }) {
  const { data, error, loading, retry } = useLoad(({ signal }) => get(jobPath(job.ID, '/history'), { signal }), [job.ID, job.JobModifyIndex]);
  const newest = data && [...data].reverse();
  return html`<section class="card history" aria-labelledby="history"><header><h2 id="history">${t('document.history')}</h2></header>
    ${error && !data ? html`<${Failed} error=${error} retry=${retry} />` : !newest ? loading && html`<${Skeleton} rows=${3} />`
      : newest.length ? html`<ol class="versions">${newest.map((version, place) => html`<${Version} key=${version.Number} job=${job} version=${version} later=${newest.slice(0, place)} reload=${reload} />`)}</ol>`
      : html`<${Empty} title=${t('document.no_history')} />`}</section>`;
}

function Version({ job, version, later, reload }) {
  const [open, setOpen] = useState(version.Present);
  const count = version.Changes.length + version.MoreChanges;
  return html`<li><div class="version"><b>v${version.Number}</b>${version.Present && html` <span class="tag info">${t('document.present')}</span>`}
      <span class="soft">${howOf(version)}${version.By ? ` · ${version.By}` : ''}</span> ${version.Time > 0 && html`<${Time} at=${version.Time / 1e6} date />`}
      <span class="grow"></span>${!version.Present && html`<${Revert} job=${job} version=${version} later=${later} reload=${reload} />`}</div>
    ${count > 0 && html`<details open=${open} onToggle=${e => setOpen(e.currentTarget.open)}><summary>${t('document.changes', { n: count })}</summary>
      ${open && html`<${Diff} changes=${version.Changes} more=${version.MoreChanges} />`}</details>`}</li>`;
}

function howOf(version) {
  const reverted = /^reverted to (\d+)$/.exec(version.How);
  if (reverted) return t('document.reverted_to', { n: reverted[1] });
  return version.How === 'posted' ? t('document.posted') : version.How;
}

export function Diff({ changes, more }) {
  return html`<div class="diff" tabindex="0" role="region" aria-label=${t('document.diff')}><table>
    <thead><tr><th scope="col">${t('document.key')}</th><th scope="col">${t('document.before')}</th><th scope="col">${t('document.after')}</th></tr></thead>
    <tbody>${changes.map(change => html`<tr key=${change.Key}><th scope="row"><code>${change.Key}</code></th><td><del>${change.Before || t('document.absent')}</del></td><td><ins>${change.After || t('document.absent')}</ins></td></tr>`)}</tbody>
  </table>${more > 0 && html`<p class="soft">${t('document.more_changes', { n: more })}</p>`}</div>`;
}

function Revert({ job, version, later, reload }) {
  const run = async () => {
    const { done } = await carryOut(job, 'revert', { to: version.Number }, question(job, version, later));
    if (done) reload();
  };
  if (!canWrite.value) return null;
  return html`<${ActButton} label=${html`${t('document.revert')}…<span class="hidden"> v${version.Number}</span>`} busy=${t('document.reverting')} danger="changes"
    command=${command('job', 'revert', job.ID, String(version.Number))} onAct=${run} />`;
}

/** Ask with the values that come back: those that the later documents have changed. */
function question(job, version, later) {
  const back = new Map();
  for (const each of later) for (const change of each.Changes) back.set(change.Key, change.Before); // newest first: the oldest counts
  const told = [...back].slice(0, TOLD).map(([key, value]) => `${key}: ${value || t('document.absent')}`);
  if (back.size > TOLD) told.push(t('document.more_changes', { n: back.size - TOLD }));
  return {
    title: t('document.revert_title', { n: String(version.Number) }), danger: 'changes', act: t('document.revert'),
    body: [t('document.revert_body'), ...told, t('document.run_begins_again')], command: command('job', 'revert', job.ID, String(version.Number)),
  };
}
