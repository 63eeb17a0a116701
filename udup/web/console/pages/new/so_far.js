/** What has been chosen so far: how many tables, how large, roughly how long, and what is left out. */
import { html } from '../../core/html.js';
import { Icon } from '../../core/icons.js';
import { bytes, dur, num } from '../../core/formats.js';
import { t } from '../../core/words.js';
import { choiceOf, hasTable } from './choice.js';
import { configOf, delivers } from './document.js';
import { isCarried, listOf, rowOf } from './listing.js';
import { lookAt } from './looks.js';
import { isStatement, Remedy } from './remedy.js';

/** Bytes a second that a copy is reckoned with: what two small servers on one machine do; large ones do more. */
const COPY_RATE = 20 * 1024 * 1024;

/** Return {schemas, tables, bytes} of what is chosen; `bytes` is null where a size is not known. */
export function sumOf({ document, ui }, listed) {
  const config = configOf(document, 'Src');
  const sum = { schemas: 0, tables: 0, bytes: 0 };
  for (const each of listed ?? []) {
    const choice = choiceOf(config, ui.everything, each.Schema);
    if (!choice.on) continue;
    sum.schemas += 1;
    const out = [...choice.out].map((table) => rowOf(each.Schema, table));
    const own = choice.whole ? null : choice.tables.map((table) => rowOf(each.Schema, table));
    sum.tables += own ? own.length : each.Tables - choice.out.size;
    sum.bytes = plus(sum.bytes, own ? total(own) : each.Bytes === null ? null : each.Bytes - (total(out) ?? 0));
  }
  return sum;
}

const plus = (a, b) => (a === null || b === null ? null : a + b);
const total = (rows) => rows.reduce((sum, row) => plus(sum, row?.Bytes ?? null), 0);

export function SoFar({ value, listed }) {
  const sum = sumOf(value, listed);
  const target = lookAt(value, 'Dest')?.answer;
  const free = target?.FreeBytes ?? null;
  const left = leftOut(value, listed);
  const line = (name, text) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`;
  return html`<section class="card so-far" aria-labelledby="so-far-title"><header><h2 id="so-far-title">${t('wizard.so_far')}</h2>
    </header><div class="pad stack">
    <dl class="sums">${line(t('wizard.schemas'), t('wizard.of', { n: sum.schemas, all: listed?.length ?? 0 }))}
      ${line(t('wizard.sum.tables'), num(sum.tables))}${line(t('wizard.sum.bytes'), bytes(sum.bytes))}
      ${sum.bytes ? line(t('wizard.sum.copy'), `≈ ${dur(Math.max(1, sum.bytes / COPY_RATE))}`) : ''}
      ${!delivers(value.document) && free !== null && line(t('wizard.sum.free'), bytes(free))}</dl>
    ${sum.bytes > 0 && html`<p class="faint small">${t('wizard.sum.copy.help', { rate: bytes(COPY_RATE) })}</p>`}
    ${free !== null && sum.bytes > free && html`<p class="note"><${Icon} name="reconnecting" class="warn" />
      <span>${t('wizard.sum.too_large')}</span></p>`}
    ${left.length > 0 && html`<p class="note"><${Icon} name="reconnecting" class="warn" />
      <span>${t('wizard.left_out', { n: left.length })}</span></p>
      <ul class="sentences small">${left.slice(0, 8).map((row) => html`<li
        key=${row.name}>${row.name} (${row.Engine})</li>`)}</ul>`}
    <${Advice} rows=${advisable(value, listed)} />
    <p class="note"><${Icon} name="info" class="info" />
      <span>${t(delivers(value.document) ? 'wizard.later.events' : 'wizard.later')}</span></p></div></section>`;
}

/** Statements that are told at once; the others wait folded. */
const TOLD = 2;

/** What can be put right on the source first, as statements to copy. */
function Advice({ rows }) {
  if (!rows.length) return null;
  const one = (row) => html`<li key=${row.name}><${Remedy} text=${row.Remedy} /></li>`;
  return html`<p class="note"><${Icon} name="reconnecting" class="warn" /><span>${t('wizard.advice', { n: rows.length })}</span>
    </p>
    <ul class="stack tight">${rows.slice(0, TOLD).map(one)}</ul>
    ${rows.length > TOLD && html`<details class="form-more">
      <summary>${t('wizard.advice.more', { n: rows.length - TOLD })}</summary><ul
      class="stack tight">${rows.slice(TOLD, 50).map(one)}</ul></details>`}`;
}

/** Return the listed tables that are chosen and have something that a statement puts right. */
function advisable({ document, ui }, listed) {
  const config = configOf(document, 'Src');
  return (listed ?? []).flatMap(({ Schema }) => (listOf(Schema)?.rows ?? [])
    .filter((row) => isCarried(row) && isStatement(row.Remedy) && hasTable(config, ui.everything, Schema, row.Table))
    .map((row) => ({ ...row, name: `${Schema}.${row.Table}` })));
}

/** Return the listed tables of chosen schemas that cannot be carried. */
function leftOut({ document, ui }, listed) {
  const config = configOf(document, 'Src');
  return (listed ?? []).filter(({ Schema }) => choiceOf(config, ui.everything, Schema).whole).flatMap(({ Schema }) =>
    (listOf(Schema)?.rows ?? []).filter((row) => !isCarried(row)).map((row) => ({ ...row, name: `${Schema}.${row.Table}` })));
}
