// What the node says of a step: faults one by one, each with the statement that mends it; other texts as they are.

import { html } from '../../core/html.js';
import { Command } from '../../parts/command.js';

/** Where one fault ends and the next one begins: each names its server first. */
const NEXT = /; (?=(?:Src|Dest|the two servers)(?: [^\s:]+:\d+)?: )/;

/** Statements alone are to be pasted; what follows them is for people. */
const STATEMENT = /^((?:GRANT|SET|ALTER|CREATE) [^;]+)(?:; ([\s\S]+))?$/;

/** @returns {{problem: string, statement: string, remedy: string}[]} */
export function faultsOf(text) {
  return text.split(NEXT).map((each) => {
    const [problem, ...rest] = each.split(' -- ');
    const remedy = rest.join(' -- ');
    const [, statement = '', more = ''] = STATEMENT.exec(remedy) ?? ['', '', remedy];
    return { problem, statement, remedy: more };
  });
}

export function Said({ text, failed }) {
  if (!failed || !text.includes(' -- ')) return html`<p class="said" lang="en">${text}</p>`;
  return html`<ul class="stack tight" lang="en">${faultsOf(text).map(({ problem, statement, remedy }) => html`<li
    key=${problem} class="stack tight"><p class="said">${problem}</p>${statement && html`<${Command} text=${`${statement};`} />`}
    ${remedy && html`<p class="said soft">${remedy}</p>`}</li>`)}</ul>`;
}

/** What came of a cut-over without the words of its step that failed, which stand there. */
export function outcomeText(cutover) {
  const failed = cutover.Steps.find((step) => step.State === 'failed' && step.Text);
  return failed ? cutover.Text.replace(`${failed.Step}: ${failed.Text}`, '').replace(/^[.;\s]+/, '') : cutover.Text;
}
