/** What happened to a job: its time line, kept current, and how each kind is said and drawn. */
import { isIcon } from '../../core/icons.js';
import { has, lang, t } from '../../core/words.js';
import { useKeptCurrent } from './kept_current.js';
import { filled } from './words.js';

/** Kind → tone; the icons have the kinds' names. */
const TONES = {
  __proto__: null,
  started: 'info', stopped: 'idle', failed: 'bad', reconnecting: 'warn', connected: 'ok', definition: 'info', throttled: 'warn',
  table_complete: 'ok', copy_complete: 'ok', caught_up: 'ok', compared: 'ok', differs: 'warn', repaired: 'ok', document: 'info',
  paused: 'idle', resumed: 'info', moved: 'info', cutover: 'info', skipped: 'warn', reload: 'info',
};

/** Entries of a job that the page keeps, at most. */
const KEPT = 500;

/** What may follow a failure and makes it a thing of the past. */
const SUPERSEDES = new Set(['resumed', 'started', 'connected', 'caught_up', 'skipped', 'failed']);

export const iconOf = kind => (kind === 'stopped' ? 'stop' : isIcon(kind) ? kind : 'info');
export const toneOf = kind => TONES[kind] ?? 'idle';
export const kindWord = kind => (has(`timeline.kind.${kind}`) ? t(`timeline.kind.${kind}`) : kind);

/** Return an entry as a sentence: in English as the node says it, else by its kind with what it is about. */
export function sentence(entry) {
  if (lang.value === 'en' && entry.Text) return entry.Text;
  const about = { ...entry.Params, table: entry.Table || entry.Params?.table, gtid: entry.Gtid || entry.Params?.gtid };
  const key = `timeline.${entry.Kind}`;
  if (!has(key)) return entry.Text || entry.Kind;
  const counted = filled(`${key}_n`, about);
  if (counted) return counted;
  const named = about.table ? `${about.table}` : about.gtid || '';
  return t(key, about) + (named ? t('timeline.about', { what: named }) : '');
}

/** Return the newest entries of a job, the oldest first, and `more` where older ones can be had. */
export function useTimeline(id) {
  const { value: entries, error } = useKeptCurrent(id, `/timeline?limit=${KEPT}`, (old, found) => joined(old ?? [], found.Entries),
    (old, event, told) => (event === 'timeline' ? joined(old ?? [], [told.Entry]) : old));
  return { entries, error };
}

/** Return both lists as one, each entry once, in the order of their numbers. */
export function joined(old, more) {
  const found = new Map([...old, ...more].map(entry => [entry.Number, entry]));
  return [...found.values()].sort((a, b) => a.Number - b.Number).slice(-KEPT);
}

/** Return the entries with `superseded` where a failure is a thing of the past. */
export function withSuperseded(entries) {
  let later = false;
  return [...entries].reverse().map(entry => {
    const superseded = entry.Kind === 'failed' && later;
    later ||= SUPERSEDES.has(entry.Kind);
    return superseded ? { ...entry, superseded } : entry;
  }).reverse();
}
