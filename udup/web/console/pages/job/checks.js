/** What a check of a document has found: faults first, then warnings; what is good is folded. */
import { html } from '../../core/html.js';
import { Icon } from '../../core/icons.js';
import { t } from '../../core/words.js';
import { Command } from '../../parts/command.js';

const ORDER = ['fail', 'warn'];
const LOOKS = { __proto__: null, fail: ['failed', 'bad'], warn: ['reconnecting', 'warn'], pass: ['connected', 'ok'] };

export function Checks({ found }) {
  const bad = ORDER.flatMap(result => found.Checks.filter(each => each.Result === result));
  const passed = found.Checks.filter(each => each.Result === 'pass');
  const failed = bad.filter(each => each.Result === 'fail').length;
  return html`<section class="checks" aria-labelledby="checks"><div role="status"><h3 id="checks">${failed ? t('document.check_failed', { n: failed }) : t('document.check_passed')}</h3></div>
    <ul>${bad.map(each => html`<${Check} key=${each.Task + each.Check + each.Found} check=${each} />`)}</ul>
    ${passed.length > 0 && html`<details><summary>${t('document.passed', { n: passed.length })}</summary><ul>${passed.map(each => html`<${Check} key=${each.Task + each.Check} check=${each} />`)}</ul></details>`}</section>`;
}

function Check({ check }) {
  const [icon, tone] = LOOKS[check.Result] ?? LOOKS.warn;
  return html`<li><${Icon} name=${icon} class=${tone} /><div><p><b lang="en">${[check.Task, check.Check].filter(Boolean).join(' · ')}</b> <span class="hidden">${t(`document.result.${check.Result}`)}</span> <span lang="en">${check.Found}</span></p>
    ${check.Remedy && check.Result !== 'pass' && html`<${Command} text=${check.Remedy} />`}</div></li>`;
}
