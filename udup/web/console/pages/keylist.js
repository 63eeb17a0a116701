// The list of keys, by `?`, and the document that belongs to the page which is shown.
import { html } from '../core/html.js';
import { route } from '../core/route.js';
import { t } from '../core/words.js';
import { Dialog } from '../parts/dialog.js';

const KEYS = [
  [['/'], 'search'], [['g j', 'g s', 'g n', 'g p'], 'go'], [['j', 'k', '↓', '↑'], 'row'], [['Enter'], 'open'], [['x'], 'tick'],
  [['t', 'c', 'e', 'd'], 'tabs'], [['n'], 'new'], [['[', ']'], 'neighbours'], [['?'], 'help'], [['Esc'], 'escape'],
];

/** Pages of the documentation that the node serves, by the console's page. */
const DOCUMENTS = {
  jobs: 'watching', job: 'trouble', new: 'first-job', subscriptions: 'subscriptions', nodes: 'cluster', processes: 'architecture',
  settings: 'security',
};

function documentOf({ page, id }) {
  return `../docs/${DOCUMENTS[page === 'jobs' && id ? 'job' : page] ?? 'index'}.html`;
}

export const KeyList = ({ onClose }) => html`<${Dialog} title=${t('keys.title')} onClose=${onClose}>
  <dl class="facts">${KEYS.map(([keys, what]) => html`<dt key=${`k${what}`}>${keys.map(key => html`<kbd key=${key}>${key}</kbd> `)}</dt><dd key=${what}>${t(`keys.${what}`)}</dd>`)}</dl>
  <p class="small soft">${t('keys.note')}</p>
  <p><a href=${documentOf(route.value)} target="_blank" rel="noopener">${t('keys.document')}</a></p></${Dialog}>`;
