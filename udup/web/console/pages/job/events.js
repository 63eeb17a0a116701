/** The time line of a job: newest first, by kind; failures that are a thing of the past are folded. */
import { html } from '../../core/html.js';
import { gtid } from '../../core/formats.js';
import { Failed, Skeleton } from '../../core/page.js';
import { route, setQuery } from '../../core/route.js';
import { t } from '../../core/words.js';
import { Entry } from './hour.js';
import { kindWord, withSuperseded } from './timeline.js';

export default function Events({ line: { entries, error } }) {
  if (error) return html`<section class="card pad"><${Failed} error=${error} /></section>`;
  if (!entries) return html`<section class="card pad"><${Skeleton} rows=${8} /></section>`;
  const chosen = new Set((route.value.query.kind ?? '').split(',').filter(Boolean));
  const counts = new Map();
  for (const entry of entries) counts.set(entry.Kind, (counts.get(entry.Kind) ?? 0) + 1);
  const shown = folded(withSuperseded(entries).filter(entry => !chosen.size || chosen.has(entry.Kind)).reverse());
  const choose = kind => {
    const next = new Set(chosen);
    if (!next.delete(kind)) next.add(kind);
    setQuery({ kind: [...next].join(',') || null });
  };
  return html`<section class="card" aria-labelledby="timeline"><header><h2 id="timeline">${t('job.events')}</h2>
      <div class="chips" role="group" aria-label=${t('job.kinds')}><button class="chip" aria-pressed=${!chosen.size} onClick=${() => setQuery({ kind: null })}>${t('job.all_kinds')} <b>${entries.length}</b></button>
        ${[...counts].map(([kind, count]) => html`<button key=${kind} class="chip" aria-pressed=${chosen.has(kind)} onClick=${() => choose(kind)}>${kindWord(kind)} <b>${count}</b></button>`)}</div></header>
    ${shown.length ? html`<ul class="events long">${shown.map(each => (Array.isArray(each) ? html`<${Past} key=${each[0].Number} failures=${each} />` : html`<${Line} key=${each.Number} entry=${each} />`))}</ul>`
      : html`<p class="none">${t('job.no_events')}</p>`}</section>`;
}

/** Put failures of the past that follow each other into one list of their own. */
function folded(entries) {
  const found = [];
  for (const entry of entries) {
    if (entry.superseded && Array.isArray(found.at(-1))) found.at(-1).push(entry);
    else found.push(entry.superseded ? [entry] : entry);
  }
  return found;
}

function Line({ entry }) {
  const about = [entry.Gtid && gtid(entry.Gtid).short, entry.By && t('job.by', { who: entry.By })].filter(Boolean).join(' · ');
  return html`<${Entry} entry=${entry} seconds />${about && html`<li class="about"><small>${about}</small></li>`}`;
}

function Past({ failures }) {
  return html`<li class="past"><details><summary>${t('job.past_failures', { n: failures.length })}</summary>
    <ul class="events">${failures.map(entry => html`<${Entry} key=${entry.Number} entry=${entry} seconds />`)}</ul></details></li>`;
}
