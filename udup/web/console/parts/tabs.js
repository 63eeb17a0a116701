// Parts of a page that have addresses of their own.
import { html } from '../core/html.js';

/** `tabs`: [{name, label, count?, href}]; `now`: the one that is shown. */
export const Tabs = ({ label, tabs, now }) => html`<nav class="tabs" aria-label=${label}>${tabs.filter(Boolean).map(tab => html`
  <a key=${tab.name} href=${tab.href} aria-current=${tab.name === now ? 'page' : undefined}>${tab.label}${tab.count !== undefined && html` <span class="count">${tab.count}</span>`}</a>`)}</nav>`;
