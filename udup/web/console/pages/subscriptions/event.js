// One event: its rows before and after, and the whole of it as JSON.

import { html, useState } from '../../core/html.js';
import { t } from '../../core/words.js';
import { Chips } from '../../parts/chips.js';
import { Copy } from '../../parts/copy.js';
import { Time } from '../../parts/time.js';
import { Pairs } from '../../parts/values.js';
import { pairsOf, parsed, printed } from './images.js';

/** Rows of one message that are shown. */
const MOST_ROWS = 20;

export function Event({ event, close }) {
  const [view, setView] = useState('rows');
  const { raw } = event;
  const isCut = typeof event.value === 'string';
  const json = isCut ? event.value : printed({ subject: raw.Subject, key: parsed(raw.Key), value: event.value, id: raw.ID });
  const views = [{ name: 'rows', label: t('tail.view.rows') }, { name: 'json', label: 'JSON' }];
  return html`<div class="event" role="region" aria-label=${t('tail.event')}>
    <div class="row"><h3>${event.table || raw.Subject} <code>${event.key}</code></h3><span class="grow"></span>
      ${!isCut && html`<${Chips} label=${t('tail.view')} chips=${views} now=${view} onPick=${setView} />`}
      <button type="button" class="quiet" onClick=${close}>${t('tail.close')}</button></div>
    <dl class="facts"><dt>${t('tail.subject')}</dt><dd><code>${raw.Subject}</code></dd>
      <dt>${t('tail.id')}</dt><dd><code>${raw.ID}</code> <${Copy} text=${raw.ID} label=${t('tail.id')} /></dd>
      <dt>${t('tail.stored')}</dt><dd><${Time} at=${raw.Time} seconds date /></dd></dl>
    ${isCut && html`<p class="soft">${t('tail.cut')}</p>`}
    ${view === 'json' || isCut ? html`<div class="json"><${Copy} text=${json} label="JSON" word=${t('copy.copy')} /><pre tabindex="0" role="region" aria-label="JSON">${json}</pre></div>`
    : event.rows.slice(0, MOST_ROWS).map((row, index) => html`<${Images} key=${index} row=${row} name=${event.key} />`)}
    ${view !== 'json' && !isCut && event.rows.length > MOST_ROWS && html`<p class="soft small">${t('tail.more_rows', { n: event.rows.length - MOST_ROWS })}</p>`}</div>`;
}

function Images({ row, name }) {
  if (!row.before && !row.after) return html`<p class="soft">${t('tail.no_rows')}</p>`;
  return html`<${Pairs} label=${t('tail.images', { key: name })} left=${t('tail.before')} right=${t('tail.after')} columns=${pairsOf(row)}
    leftThere=${Boolean(row.before)} rightThere=${Boolean(row.after)} />`;
}
