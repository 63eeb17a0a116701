// A job's cut-over: begun, watched, undone. The node carries it out; this page only asks for it and shows how far it is.

import { html, useEffect, useState } from '../core/html.js';
import { t } from '../core/words.js';
import { send } from '../core/api.js';
import { canWrite } from '../core/session.js';
import { Failed, Skeleton } from '../core/page.js';
import { href } from '../core/route.js';
import { ActButton } from '../parts/button.js';
import { Command } from '../parts/command.js';
import { confirm } from '../parts/dialog.js';
import { jobPath, quoted, useFollow } from './follow.js';
import { Compared } from './cutover/compared.js';
import { Figures } from './cutover/figures.js';
import { Options, question } from './cutover/options.js';
import { Steps } from './cutover/list.js';
import { outcomeText } from './cutover/said.js';
import { commandOf, isActive, isSwitched, optionsOf, stepOf } from './cutover/steps.js';

/** Milliseconds between looks: at one that is under way, and at none. */
const CLOSE_LOOK = 700;
const LOOK = 5000;

export default function Cutover({ id, job }) {
  const { data: cutover, error, missing, loading, refresh } = useFollow(
    jobPath(id, 'cutover'), (known) => (known && isActive(known) ? CLOSE_LOOK : LOOK), job?.Cutover !== null);
  if (loading) return html`<${Skeleton} rows=${6} />`;
  if (!cutover && !missing) return html`<${Failed} error=${error} retry=${refresh} />`;
  return html`<div class="stack cutover">
    ${error && html`<${Failed} error=${error} retry=${refresh} />`}
    ${cutover && html`<${Outcome} id=${id} cutover=${cutover} refresh=${refresh} />`}
    ${cutover && !cutover.DryRun && html`<${Figures} id=${id} cutover=${cutover} job=${job} />`}
    ${cutover && html`<${Steps} cutover=${cutover} footer=${isActive(cutover) && !cutover.DryRun
      && html`<${Undo} id=${id} cutover=${cutover} refresh=${refresh} />`} />`}
    ${mayBegin(cutover) && html`<${Begin} id=${id} job=${job} cutover=${cutover} refresh=${refresh} />`}
  </div>`;
}

function mayBegin(cutover) {
  return !cutover || (!isActive(cutover) && cutover.State !== 'stopped' && !isSwitched(cutover));
}

/** What came of it: the node's own words, and what can be done now. */
function Outcome({ id, cutover, refresh }) {
  const key = outcomeOf(cutover), said = outcomeText(cutover);
  const tone = { failed: 'bad', undone: 'warn', stopped: 'bad', stopped_switched: 'bad', done: 'ok' }[key] ?? 'info';
  return html`<section class=${`card outcome ${tone}`} aria-labelledby="cutover-outcome">
    <header><h2 id="cutover-outcome">${t(`cutover.is.${key}`)}</h2></header>
    <div class="pad stack">
      <p>${t(`cutover.means.${key}`)}</p>
      ${said && html`<p class="said" lang="en">${said}</p>`}
      ${cutover.WayBack && isSwitched(cutover) && stepOf(cutover, 'reverse')?.State === 'done' && html`<p>
        ${t('cutover.way_back_runs')} <a href=${href('jobs', cutover.WayBack)}>${cutover.WayBack}</a></p>`}
      ${cutover.State === 'stopped' && html`<${CarryOn} id=${id} cutover=${cutover} refresh=${refresh} />`}
    </div></section>`;
}

function outcomeOf(cutover) {
  if (cutover.DryRun) {
    if (isActive(cutover)) return 'trying';
    return cutover.State === 'done' ? 'tried' : 'failed';
  }
  if (cutover.State === 'running') return isSwitched(cutover) ? 'switched' : 'running';
  if (cutover.State === 'stopped') return isSwitched(cutover) ? 'stopped_switched' : 'stopped';
  return cutover.State;
}

function CarryOn({ id, cutover, refresh }) {
  const options = optionsOf(cutover);
  const on = async () => {
    await send('POST', jobPath(id, 'cutover'), options);
    await refresh();
  };
  return html`<div class="acts"><${ActButton} label=${t('cutover.carry_on')} busy=${t('cutover.carrying_on')}
    command=${commandOf(id, options, quoted)} onAct=${on} /></div>`;
}

/** The foot of one that is under way: it can be undone until the switch, and left alone behind it. */
function Undo({ id, cutover, refresh }) {
  const switched = isSwitched(cutover);
  const command = `udup job cutover ${quoted(id)} --abort`;
  const undo = async () => {
    const words = switched ? 'cutover.give_up' : 'cutover.undo';
    const body = [t(`${words}.what`), t(`${words}.then`)];
    if (!await confirm({ title: t(`${words}.title`), body, danger: switched ? 'loses' : 'changes', command, act: t(words) })) return;
    await send('DELETE', jobPath(id, 'cutover'));
    await refresh();
  };
  const undoing = cutover.State === 'undoing';
  return html`<div class="pad footbar"><p class="soft small grow">${t(undoing ? 'cutover.closing_undoing'
    : switched ? 'cutover.closing_switched' : 'cutover.closing')}</p>
    ${!undoing && html`<${ActButton} label=${t(switched ? 'cutover.give_up' : 'cutover.undo')}
      busy=${t('cutover.undo.busy')} command=${command} onAct=${undo} />`}</div>`;
}

/** Options, dry run, and the cut-over itself. One that was tried or undone gives the options that it had. */
function Begin({ id, job, cutover, refresh }) {
  const [options, setOptions] = useState(() => (cutover ? optionsOf(cutover)
    : { SourceReadOnly: true, WritesStopped: false, EnableEvents: true, Reverse: true, Timeout: 60 }));
  const bad = !(options.Timeout > 0 && options.Timeout <= 3600);
  useEffect(() => { if (cutover) setOptions(optionsOf(cutover)); }, [cutover?.ID]);
  const begin = async (dryRun) => {
    const asked = { ...options, DryRun: dryRun };
    if (!dryRun && !await confirm(question(id, options))) return;
    await send('POST', jobPath(id, 'cutover'), asked);
    await refresh();
  };
  return html`<section class="card" aria-labelledby="cutover-begin">
    <header><h2 id="cutover-begin">${t(cutover && !cutover.DryRun ? 'cutover.begin_again' : 'cutover.begin')}</h2>
    </header>
    <div class="pad stack">
      <p>${t('cutover.intro')}</p>
      <p class="soft">${t('cutover.no_pause')}</p>
      <${Compared} id=${id} isThere=${job?.Comparison !== null} />
      ${canWrite.value ? html`<${Options} options=${options} onChange=${setOptions} />`
    : html`<p class="soft">${t('cutover.read_only')}</p>`}
      <div class="acts">
        <${ActButton} label=${t('cutover.dry_run')} busy=${t('cutover.dry_run.busy')} disabled=${bad}
          command=${commandOf(id, { ...options, DryRun: true }, quoted)} onAct=${() => begin(true)} />
        <${ActButton} label=${t('cutover.start')} busy=${t('cutover.start.busy')} danger="loses" disabled=${bad}
          command=${commandOf(id, options, quoted)} onAct=${() => begin(false)} />
      </div>
      ${canWrite.value && html`<${Command} text=${commandOf(id, options, quoted)} />`}
    </div></section>
    ${!cutover && html`<${Steps} />`}`;
}
