// Tables that are not equal by the last comparison: how many rows of each, or why it could not be compared.

import { html } from '../../core/html.js';
import { t } from '../../core/words.js';
import { send } from '../../core/api.js';
import { Icon } from '../../core/icons.js';
import { ActButton } from '../../parts/button.js';
import { reloadTable } from '../job/acts.js';
import { jobPath, quoted } from '../follow.js';

export function Unlike({ id, job, comparison, refresh }) {
  if (!comparison?.Unlike.length) return null;
  const idle = comparison.State !== 'running' && job?.Stage !== 'failed';
  const again = table => async () => {
    await send('POST', jobPath(id, 'compare'), { Tables: [table], RowsPerSecond: comparison.RowsPerSecond });
    await refresh();
  };
  return html`<div><h3>${t('compare.unlike')}</h3><ul class="unlike">${comparison.Unlike.map(table => html`<li key=${table.Name}>
    <code>${table.Name}</code>
    <span class=${`state ${table.Problem ? 'idle' : 'warn'}`}><${Icon} name=${table.Problem ? 'not_heard' : 'differs'} />${
    table.Problem ? t('compare.bar.problems', { n: 1 }) : t('compare.unlike.rows', { n: table.Differences })}</span>
    ${table.Problem && html`<span class="said" lang="en">${table.Problem}</span>`}
    <span class="grow"></span>
    ${idle && html`<${ActButton} label=${t('compare.unlike.again')} busy=${t('compare.begin.busy')}
      command=${`udup job compare ${quoted(id)} ${quoted(table.Name)}`} onAct=${again(table.Name)} />
      <${ActButton} label=${t('compare.reload')} busy=${t('compare.reload.busy')} danger="loses"
      onAct=${() => reloadTable(job, table.Name)} />`}</li>`)}</ul></div>`;
}
