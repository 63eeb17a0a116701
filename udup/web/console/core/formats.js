// Numbers, sizes and times as people read them. What is not known is '–', nothing is '0'.
import { lang, t } from './words.js';
import { now, tick } from './clock.js';

const UNKNOWN = '–';
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const made = new Map();

function format(kind, options) {
  const key = lang.value + kind;
  if (!made.has(key)) {
    made.set(key, new Intl.NumberFormat(lang.value === 'zh' ? 'zh-Hans' : 'en-US', options)); // en-GB writes 610m
  }
  return made.get(key);
}

const isUnknown = value => value === null || value === undefined || value === '' || Number.isNaN(value);
const plain = (value, digits = 0) => format(`n${digits}`, { maximumFractionDigits: digits }).format(value);

/** 18,240; from 100,000 on 212.4M. */
export function num(value) {
  if (isUnknown(value)) return UNKNOWN;
  if (Math.abs(value) < 1e5) return plain(Math.round(value));
  return format('nc', { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/** The whole number, for a title. */
export const exact = value => (isUnknown(value) ? UNKNOWN : plain(value));

/** 3.4 GiB */
export function bytes(value) {
  if (isUnknown(value)) return UNKNOWN;
  let unit = 0;
  let left = value;
  while (left >= 1024 && unit < UNITS.length - 1) { left /= 1024; unit += 1; }
  return `${plain(left, unit && left < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

/** 1,240/s */
export const rate = value => (isUnknown(value) ? UNKNOWN : `${num(value)}/s`);

/** 36 % */
export const percent = value => (isUnknown(value) ? UNKNOWN : t('unit.percent', { p: plain(Math.floor(value)) }));

/** 240 ms, 4.2 s, 70 s, 12 min, 1 h 26 min, 2 d 3 h: two units at most. */
export function dur(seconds) {
  if (isUnknown(seconds)) return UNKNOWN;
  if (seconds < 0.9995 && seconds > 0) return t('unit.ms', { v: plain(Math.max(1, Math.round(seconds * 1000))) });
  if (seconds < 10 && seconds % 1) return t('unit.s', { v: plain(seconds, 1) });
  const whole = Math.round(seconds);
  if (whole <= 90) return t('unit.s', { v: plain(whole) });
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return t('unit.min', { v: plain(minutes) });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return pair('unit.h', hours, 'unit.min', minutes % 60);
  return pair('unit.d', Math.floor(hours / 24), 'unit.h', hours % 24);
}

function pair(first, most, second, least) {
  const large = t(first, { v: plain(most) });
  return least ? t('unit.pair', { a: large, b: t(second, { v: plain(least) }) }) : large;
}

/** A lag in milliseconds; 0 is the word "level". */
export function lag(ms) {
  if (isUnknown(ms)) return UNKNOWN;
  if (ms <= 0) return t('unit.level');
  if (ms < 1000) return t('unit.ms', { v: plain(Math.max(1, ms)) });
  return ms < 60000 ? t('unit.s', { v: plain(ms / 1000, 1) }) : dur(ms / 1000);
}

const timeOf = time => (typeof time === 'number' ? time : Date.parse(time || ''));

/** 19:03, of another day 2026-11-25 19:03, in the viewer's zone. */
export function clock(time, { seconds = false, date = false } = {}) {
  const at = timeOf(time);
  if (!at) return UNKNOWN;
  const moment = new Date(at);
  const two = number => String(number).padStart(2, '0');
  const hours = `${two(moment.getHours())}:${two(moment.getMinutes())}${seconds ? `:${two(moment.getSeconds())}` : ''}`;
  if (!date && moment.toDateString() === new Date(now()).toDateString()) return hours;
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} ${hours}`;
}

/** The moment in UTC, for a title. */
export function utc(time) {
  const at = timeOf(time);
  return at ? `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC` : '';
}

/** How long it is since a moment, by the node's clock: "7 min". Counts on while the page hears of the node. */
export function since(time) {
  const at = timeOf(time);
  return at ? dur(Math.max(0, Math.round((counted() - at) / 1000))) : UNKNOWN;
}

/** "7 min ago" */
export function ago(time) {
  const at = timeOf(time);
  if (!at) return UNKNOWN;
  const seconds = Math.round((counted() - at) / 1000);
  return seconds < 0 ? t('unit.in', { t: dur(-seconds) }) : t('unit.ago', { t: dur(Math.max(0, seconds)) });
}

let countedAt = 0;
let countedFor = -1;

/** The node's time at the last tick: all times of a page count from one moment. */
function counted() {
  if (countedFor !== tick.value) {
    countedFor = tick.value;
    countedAt = now();
  }
  return countedAt;
}

/** A GTID set short, 3e11fa47:1-901121 +2 more, and whole. */
export function gtid(set) {
  const whole = String(set || '').replace(/\s+/g, '');
  if (!whole) return { short: UNKNOWN, whole: '' };
  const [first, ...more] = whole.split(',');
  const short = first.replace(/^([0-9a-f]{8})-[0-9a-f-]{27}/i, '$1');
  return { short: more.length ? t('unit.more', { s: short, n: more.length }) : short, whole };
}
