// The list of keys, by `?`.
import { html } from '../core/html.js';
import { t } from '../core/words.js';
import { Dialog } from '../parts/dialog.js';

const KEYS = [
  [['/'], 'search'], [['g j', 'g s', 'g n', 'g p'], 'go'], [['j', 'k', '↓', '↑'], 'row'], [['Enter'], 'open'], [['x'], 'tick'],
  [['t', 'c', 'e', 'd'], 'tabs'], [['n'], 'new'], [['[', ']'], 'neighbours'], [['?'], 'help'], [['Esc'], 'escape'],
];

export const KeyList = ({ onClose }) => html`<${Dialog} title=${t('keys.title')} onClose=${onClose}>
  <dl class="facts">${KEYS.map(([keys, what]) => html`<dt key=${`k${what}`}>${keys.map(key => html`<kbd key=${key}>${key}</kbd> `)}</dt><dd key=${what}>${t(`keys.${what}`)}</dd>`)}</dl>
  <p class="small soft">${t('keys.note')}</p></${Dialog}>`;
