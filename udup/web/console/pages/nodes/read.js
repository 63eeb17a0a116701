// What is known of the nodes: the list, the members, who coordinates, the memory of their processes.
import { get } from '../../core/api.js';
import { kept } from '../../core/kept.js';
import { stateOf, rankOf } from './state.js';

/** Return the nodes, those that are not heard first. */
export async function readNodes(options) {
  const [nodes, members, leader] = await Promise.all([get('nodes', options), get('members', options), get('leader', options).catch(() => '')]);
  const found = nodes.map(node => {
    const member = (members.Members || []).find(each => each.Name === node.Name || each.Name.startsWith(`${node.Name}.`));
    const here = node.Name === members.ServerName;
    const address = member ? `${member.Addr}:${member.Port}` : '';
    return { ...node, here, address, version: member?.Tags?.build || '', leads: Boolean(leader) && leader === address, state: stateOf(node, member, here) };
  });
  kept.set('nodes', JSON.stringify(found.map(node => node.address).filter(Boolean)));
  return found.sort((a, b) => rankOf(a.state) - rankOf(b.state) || a.Name.localeCompare(b.Name, 'en', { numeric: true }));
}

/** Return {node's ID: bytes of memory of its processes}; of nodes that cannot be asked nothing. */
export async function readMemory(nodes, options) {
  const answers = await Promise.allSettled(nodes.map(node => get(node.here ? 'agent/actors' : `agent/actors?node=${node.ID}`, options)));
  return Object.fromEntries(nodes.map((node, i) => [node.ID, sum(answers[i].value)]).filter(([, bytes]) => bytes !== null));
}

const sum = actors => (Array.isArray(actors) ? actors.reduce((total, actor) => total + actor.Rss, 0) : null);
