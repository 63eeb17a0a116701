/** What mends something: a statement to copy, or a sentence. */
import { html } from '../../core/html.js';
import { Command } from '../../parts/command.js';

/** A statement begins with a word in capitals; a command of the command line with `udup`. */
const STATEMENT = /^([A-Z]{3,}|udup)\s/;

export const isStatement = (text) => STATEMENT.test(text ?? '');

export function Remedy({ text }) {
  if (!text) return null;
  return isStatement(text) ? html`<${Command} text=${text} />` : html`<p class="small soft wrap">${text}</p>`;
}
