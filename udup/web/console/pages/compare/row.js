// One row of the ledger as both servers have it now, column by column.

import { html } from '../../core/html.js';
import { t } from '../../core/words.js';
import { get } from '../../core/api.js';
import { clock, gtid } from '../../core/formats.js';
import { Failed, Skeleton, useLoad } from '../../core/page.js';
import { Pairs } from '../../parts/values.js';
import { jobPath } from '../follow.js';
import { isRepaired } from './pages.js';

export function Row({ id, row }) {
  const { data, error, loading, retry } = useLoad(({ signal }) => {
    const query = new URLSearchParams({ schema: row.Schema, table: row.Table, key: row.Key });
    return get(`${jobPath(id, 'row')}?${query}`, { signal });
  }, [id, row.Schema, row.Table, row.Key]);
  return html`<div class="row-opened">
    <p class="soft small">${t(isRepaired(row) ? 'compare.row.repaired' : 'compare.row.seen', {
    first: clock(row.FirstSeen, { seconds: true }), last: clock(isRepaired(row) ? row.Repaired : row.LastSeen, { seconds: true }),
  })}${row.Position && html` <code title=${row.Position}>${gtid(row.Position).short}</code>`}</p>
    ${error && html`<${Failed} error=${error} retry=${retry} />`}
    ${!data && loading && html`<${Skeleton} rows=${3} />`}
    ${data?.Hidden && html`<p class="soft">${t('compare.row.hidden')}</p>`}
    ${data?.Problem && html`<p class="said" lang="en">${data.Problem}</p>`}
    ${data && !data.Problem && html`<${Pairs} label=${t('compare.row.of', { row: `${row.Schema}.${row.Table} ${row.Key}` })}
      left=${t('compare.source')} right=${t('compare.target')} hidden=${data.Hidden}
      leftThere=${data.SourceThere} rightThere=${data.TargetThere} columns=${data.Columns.map(pairOf)} />`}
    ${data && !data.Problem && isEqual(data) && html`<p class="soft">${t('compare.row.equal_now')}</p>`}</div>`;
}

const isEqual = data => data.SourceThere === data.TargetThere && data.Columns.every(column => column.Equal);

/** Types whose values are told as hexadecimal digits. */
const BYTES = /binary|blob|^bit|geometry|point|linestring|polygon/i;

function pairOf(column) {
  return {
    name: column.Column, left: column.Source, right: column.Target, equal: column.Equal, binary: BYTES.test(column.Type),
    note: [column.Computed && t('compare.computed'), column.Cut && t('compare.cut')].filter(Boolean).join(', '),
  };
}
