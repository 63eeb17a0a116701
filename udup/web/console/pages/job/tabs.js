/** The tabs of a job's page: links, so that each has an address. */
import { html } from '../../core/html.js';
import { num } from '../../core/formats.js';
import { href } from '../../core/route.js';
import { t } from '../../core/words.js';
import { isSubscription } from './head.js';

/** In their order; `key` is the letter that opens one. */
export const TABS = [['tables', 't'], ['compare', 'c'], ['events', 'e'], ['document', 'd'], ['allocations', '']];

const tabsOf = job => TABS.map(([tab]) => tab).filter(tab => tab !== 'compare' || !job || !isSubscription(job));

export function JobTabs({ id, job, at }) {
  const tables = job?.Progress?.followed_tables ?? job?.Progress?.copy_tables;
  const beside = { tables: tables == null ? '' : num(tables) };
  return html`<nav class="tabs" aria-label=${t('job.tabs')}>${tabsOf(job).map(tab => html`<a href=${href('jobs', id, tab)}
    aria-current=${tab === at ? 'page' : undefined}>${t(`job.tab.${tab}`)}${beside[tab] && html` <span class="count">${beside[tab]}</span>`}</a>`)}</nav>`;
}
