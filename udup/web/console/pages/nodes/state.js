// How a node is, in one word, by what the list of nodes and the list of members say.
import { html } from '../../core/html.js';
import { Icon } from '../../core/icons.js';
import { t } from '../../core/words.js';

const LOOKS = { __proto__: null, ready: ['ok', 'running'], initializing: ['info', 'pending'], down: ['warn', 'not_heard'], unready: ['bad', 'failed'], left: ['idle', 'completed'] };
const RANK = ['unready', 'down', 'initializing', 'ready', 'left'];

/** `here`: it is the node that answers: when it says "down" it means that it cannot work. */
export function stateOf(node, member, here) {
  if (member?.Status === 'left') return 'left';
  if (node.Status === 'down') return here ? 'unready' : 'down';
  return node.Status in LOOKS ? node.Status : 'initializing';
}

export const rankOf = state => RANK.indexOf(state);

export function NodeState({ state }) {
  const [tone, icon] = LOOKS[state];
  return html`<span class=${`state ${tone}`}><${Icon} name=${icon} /><span>${t(`nodes.${state}`)}</span></span>`;
}
