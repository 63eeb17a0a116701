// The tree as a grid: arrows go from row to row, right and left open and close, as in the WAI-ARIA pattern "treegrid".
import { html, useRef, useState } from '../../core/html.js';
import { bytes, num } from '../../core/formats.js';
import { Icon } from '../../core/icons.js';
import { href } from '../../core/route.js';
import { canWrite } from '../../core/session.js';
import { has, t } from '../../core/words.js';
import { Menu } from '../../parts/menu.js';
import { Since } from '../../parts/time.js';
import { seen } from './tree.js';

export const roleOf = role => (has(`processes.role_${role}`) ? t(`processes.role_${role}`) : role);

/** Trees of more rows begin with their jobs closed. */
const LARGE = 60;

export function Tree({ rows, onStacks, onKill }) {
  const [closed, close] = useState(() => new Set(rows.length > LARGE ? rows.filter(row => row.job && !row.restless).map(row => row.key) : []));
  const [at, setAt] = useState(rows[0]?.key);
  const body = useRef(null);
  const shown = seen(rows, closed);
  const parents = new Set(rows.map(row => row.parent));
  const most = Math.max(1, ...rows.map(row => row.Rss));
  const toggle = key => { const next = new Set(closed); if (!next.delete(key)) next.add(key); close(next); };
  const focus = key => { setAt(key); body.current.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus(); };
  const steer = event => {
    const row = shown.find(each => each.key === event.target.dataset?.key);
    if (!row) return;
    const i = shown.indexOf(row);
    const isOpen = parents.has(row.key) && !closed.has(row.key);
    const steps = { ArrowDown: () => shown[i + 1]?.key, ArrowUp: () => shown[i - 1]?.key, Home: () => shown[0].key, End: () => shown.at(-1).key,
      ArrowRight: () => { if (isOpen) return shown[i + 1]?.key; if (parents.has(row.key)) toggle(row.key); return undefined; },
      ArrowLeft: () => { if (!isOpen) return row.parent; toggle(row.key); return undefined; } };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const to = steps[event.key]();
    if (to) focus(to);
  };
  return html`<table role="treegrid" class="tree" aria-label=${t('processes.caption')}><thead><tr role="row">
      ${['actor', 'state', 'pid', 'memory', 'age', 'restarts'].map(name => html`<th role="columnheader" scope="col" key=${name} class=${name === 'pid' || name === 'restarts' ? 'num' : ''}>${t(`processes.${name}`)}</th>`)}
      <th role="columnheader" scope="col"><span class="hidden">${t('processes.acts')}</span></th></tr></thead>
    <tbody role="rowgroup" ref=${body} onKeyDown=${steer} onFocusIn=${event => event.target.dataset?.key && setAt(event.target.dataset.key)}>${shown.map(row => html`<${Line} key=${row.key} row=${row} most=${most} isParent=${parents.has(row.key)} isOpen=${!closed.has(row.key)}
      isAt=${row.key === at || (row === shown[0] && !shown.some(each => each.key === at))} onToggle=${() => toggle(row.key)} onStacks=${onStacks} onKill=${onKill} />`)}</tbody></table>`;
}

function Line({ row, most, isParent, isOpen, isAt, onToggle, onStacks, onKill }) {
  const { actor, job, level } = row;
  const name = job ? html`<a class="name" href=${href('jobs', job)}>${job}</a> <span class="faint">${row.count}</span>` : html`<b>${roleOf(actor.Role)}</b>${actor.Role === 'worker' && ` ${actor.Slot}`}`;
  const items = actor && onStacks && [{ label: t('processes.stacks'), icon: 'document', onAct: () => onStacks(actor) }, canWrite.value && { label: t('processes.kill'), icon: 'close', danger: true, onAct: () => onKill(actor) }];
  return html`<tr role="row" data-key=${row.key} tabindex=${isAt ? 0 : -1} aria-level=${level} aria-expanded=${isParent ? isOpen : undefined}>
    <td role="gridcell"><span class="branch" style=${{ paddingLeft: `${(level - 1) * 18}px` }}>${isParent ? html`<button type="button" class="plain twist" tabindex="-1" aria-hidden="true" onClick=${onToggle}><${Icon} name=${isOpen ? 'down' : 'right'} /></button>` : html`<span class="twist" />`}${name}</span></td>
    <td role="gridcell">${actor && (has(`processes.${actor.State}`) ? t(`processes.${actor.State}`) : actor.State)}</td><td role="gridcell" class="num mono small">${actor?.Pid}</td>
    <td role="gridcell"><span class="measure"><span class="meter" aria-hidden="true"><i style=${{ width: `${Math.round(row.Rss / most * 100)}%` }} /></span><span class="nowrap">${bytes(row.Rss)}</span></span></td>
    <td role="gridcell" class="nowrap">${actor && html`<${Since} at=${actor.Started * 1000} />`}</td>
    <td role="gridcell" class=${`num ${row.restless ? 'warn' : ''}`}>${row.restless && html`<${Icon} name="reconnecting" /> `}${num(row.Restarts)}</td>
    <td role="gridcell" class="num">${items && html`<${Menu} small label=${t('processes.acts_of', { role: roleOf(actor.Role), pid: String(actor.Pid) })} items=${items} />`}</td></tr>`;
}
