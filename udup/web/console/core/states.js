// States as they are shown: shape, word, and since when. The node decides which state holds; here is how it looks.
import { html } from './html.js';
import { Icon } from './icons.js';
import { t } from './words.js';
import { Since } from '../parts/time.js';

const state = (tone, group, icon) => ({ tone, group, icon });

/** States of a job by the API's word, in the order of the list. */
export const STATES = {
  __proto__: null,
  diverged: state('bad', 'needs_you', 'diverged'),
  failed: state('bad', 'needs_you', 'failed'),
  reconnecting: state('warn', 'healing', 'reconnecting'),
  not_heard: state('warn', 'healing', 'not_heard'),
  lagging: state('warn', 'behind', 'lagging'),
  differs: state('warn', 'behind', 'differs'),
  cutting_over: state('info', 'under_way', 'cutting_over'),
  copying: state('info', 'under_way', 'copying'),
  catching_up: state('info', 'under_way', 'catching_up'),
  reloading: state('info', 'under_way', 'reloading'),
  pending: state('idle', 'under_way', 'pending'),
  running: state('ok', 'running', 'running'),
  paused: state('idle', 'paused', 'paused'),
  completed: state('idle', 'ended', 'completed'),
};

/** States of a table; those of the API with a space have one here too. */
export const TABLE_STATES = {
  __proto__: null,
  diverged: state('warn', 'trouble', 'differs'),
  differs: state('warn', 'trouble', 'differs'),
  failed: state('bad', 'trouble', 'failed'),
  copying: state('info', 'moving', 'copying'),
  'catching up': state('info', 'moving', 'catching_up'),
  joining: state('info', 'moving', 'catching_up'),
  reloading: state('info', 'moving', 'reloading'),
  comparing: state('info', 'moving', 'comparing'),
  waiting: state('idle', 'waiting', 'pending'),
  copied: state('ok', 'waiting', 'copied'),
  live: state('ok', 'live', 'running'),
  equal: state('ok', 'live', 'equal'),
  stopped: state('idle', 'waiting', 'paused'),
};

/** The groups of the list, in its order. */
export const GROUPS = ['needs_you', 'healing', 'behind', 'under_way', 'running', 'paused', 'ended'];

/** A state the console does not know yet is shown by the API's word. */
const UNKNOWN = state('idle', 'running', 'info');

/** Return how a state looks. */
export const lookOf = (word, isTable = false) => (isTable ? TABLE_STATES : STATES)[word] || STATES[word] || UNKNOWN;

/** Show a state; `since` is a moment; `table`: the word is that of a table; `more` stands behind the word. */
export function State({ state: word, since, pill = false, table = false, more }) {
  const { tone, icon } = lookOf(word, table);
  return html`<span class=${`state ${tone}${pill ? ' pill' : ''}`}><${Icon} name=${icon} /><span>${wordOf(word, table)}${more && html` ${more}`}</span>
    ${since && html`<span class="soft">· <${Since} at=${since} /></span>`}</span>`;
}

/** Return a state's word in the viewer's language. */
export function wordOf(word, isTable = false) {
  if (isTable && word in TABLE_STATES) return t(`table.${word.replace(' ', '_')}`);
  return word in STATES ? t(`state.${word}`) : word;
}
