// What a subscription delivers, as it passes: sampled by the node, bounded here, paused until somebody wants it.

import { html, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../../core/html.js';
import { useKeys } from '../../core/keys.js';
import { t } from '../../core/words.js';
import { watch } from '../../core/live.js';
import { num, rate } from '../../core/formats.js';
import { Chips } from '../../parts/chips.js';
import { Field } from '../../parts/field.js';
import { walk } from '../walk.js';
import { eventOf, summaryOf } from './images.js';
import { Event } from './event.js';

/** Events that are kept, events a second that the node is asked for, and lines of a screen. */
export const KEPT = 500;
const RATE = 20;

/** Kinds of events as chips; what is none of these is `other`. */
const KINDS = ['c', 'u', 'd', 'r', 't'];
const kindOf = event => (KINDS.includes(event.kind) ? event.kind : 'other');

export function Tail({ id, tables }) {
  const [follows, setFollows] = useState(false);
  const [table, setTable] = useState('');
  const [typed, setTyped] = useState('');
  const [kind, setKind] = useState('');
  const [open, setOpen] = useState(null);
  const told = useTail(id, follows, table);
  const shown = useMemo(() => (kind ? told.events.filter(event => kindOf(event) === kind) : told.events), [told.events, kind]);
  const pause = useCallback(() => setFollows(false), []);
  const chosen = open && told.events.find(event => event.number === open);
  return html`<section class="card tail" aria-labelledby="tail-title">
    <header><h2 id="tail-title">${t('tail.title')}</h2><span class="soft small" aria-live="off">${
    stateOf(follows, told)}</span><span class="grow"></span>
      <button type="button" class="primary" aria-pressed=${follows} onClick=${() => setFollows(!follows)}>${t(follows ? 'tail.pause' : 'tail.follow')}</button>
      <button type="button" disabled=${!told.events.length} onClick=${told.clear}>${t('tail.clear')}</button></header>
    <div class="pad row filters">
      <${Field} label=${t('tail.table')} help=${t('tail.table.help')}>${ties => html`<input ...${ties} list="tail-tables" autocomplete="off"
        spellcheck="false" value=${typed} onInput=${event => setTyped(event.currentTarget.value)} onChange=${() => setTable(typed.trim())} />`}<//>
      <datalist id="tail-tables">${tables.map(each => html`<option key=${each} value=${each}></option>`)}</datalist>
      <${Chips} label=${t('tail.kinds')} now=${kind} onPick=${setKind} chips=${chipsOf(told.events)} /></div>
    ${told.error && html`<p class="pad act-error" role="alert" lang="en">${told.error}</p>`}
    <${Lines} events=${shown} follows=${follows} pause=${pause} open=${open} setOpen=${setOpen} empty=${emptyOf(follows, told.events, shown)} />
    ${chosen && html`<${Event} event=${chosen} close=${() => setOpen(null)} />`}</section>`;
}

function stateOf(follows, told) {
  if (!follows) return t(told.events.length ? 'tail.paused' : 'tail.starts_paused', { n: told.events.length });
  if (told.perSecond === null) return t('tail.waits');
  const sampled = told.perSecond > told.rate;
  return t(sampled ? 'tail.sampled' : 'tail.all', { rate: rate(told.perSecond), shown: rate(Math.min(told.rate, RATE)) });
}

function emptyOf(follows, events, shown) {
  if (shown.length) return '';
  if (events.length) return t('tail.none_of_kind');
  return t(follows ? 'tail.nothing_yet' : 'tail.not_followed');
}

function chipsOf(events) {
  const counts = {};
  for (const event of events) counts[kindOf(event)] = (counts[kindOf(event)] ?? 0) + 1;
  return [{ name: '', label: t('tail.kind.all'), count: events.length },
    ...[...KINDS, 'other'].filter(name => counts[name]).map(name => ({ name, label: t(`tail.kind.${name}`), count: counts[name] }))];
}

/** Hear what passes while `follows`; {events, perSecond, rate, error, clear}. The newest is the last. */
function useTail(id, follows, table) {
  const [state, setState] = useState({ events: [], perSecond: null, rate: 0, error: '' });
  const number = useRef(0);
  useEffect(() => {
    if (!follows) return undefined;
    setState(before => ({ ...before, perSecond: null, error: '' }));
    return watch([`tail:${id}`], (type, data) => {
      if (type === 'error') setState(before => ({ ...before, error: data.Text }));
      if (type !== 'message') return;
      const fresh = data.Events.map(each => { number.current += 1; return { ...eventOf(each), number: number.current, raw: each }; })
        .filter(each => !table || each.table === table);
      setState(before => ({ events: [...before.events, ...fresh].slice(-KEPT), perSecond: data.PerSecond, rate: data.Shown, error: '' }));
    }, { ...(table && { table }), rate: RATE });
  }, [id, follows, table]);
  return { ...state, clear: () => setState(before => ({ ...before, events: [] })) };
}

/** The lines; scrolled up, it follows no more. */
function Lines({ events, follows, pause, open, setOpen, empty }) {
  const box = useRef(null);
  const mine = useRef(0);
  useKeys(walk(box, 'li button'));
  useLayoutEffect(() => {
    if (!follows || !box.current) return;
    box.current.scrollTop = box.current.scrollHeight;
    mine.current = box.current.scrollTop;
  }, [events, follows]);
  const scrolled = () => {
    if (follows && box.current.scrollTop < mine.current - 40) pause();
  };
  return html`<div class="tail-lines" ref=${box} tabindex="0" role="region" aria-label=${t('tail.events')} onScroll=${scrolled}>
    ${empty && html`<p class="empty">${empty}</p>`}
    ${events.length > 0 && html`<ol>${events.map(event => html`<li key=${event.number}><button type="button" class="plain" aria-expanded=${event.number === open}
      onClick=${() => { pause(); setOpen(event.number === open ? null : event.number); }}>
      <span class="at">${event.raw.Time.slice(11, 23).replace('Z', '')}</span> <b class=${`op ${kindOf(event)}`}>${t(`tail.kind.${kindOf(event)}`)}</b>
      <span class="where">${event.table || event.raw.Subject}</span> <code class="keyed">${event.key}</code>
      <span class="soft said-line">${summaryOf(event.rows[0])}${event.rows.length > 1 && ` +${num(event.rows.length - 1)}`}</span></button></li>`)}</ol>`}</div>`;
}
