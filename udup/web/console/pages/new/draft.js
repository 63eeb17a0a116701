/**
 * The job that the wizard is making: kept until the tab is closed, so that no step, reload or refused token loses it.
 * Passwords that are written out stay in memory alone.
 */
import { effect, signal } from '../../core/html.js';
import { get } from '../../core/api.js';
import { session } from '../../core/kept.js';
import { documentOf, loadSchemas } from '../../parts/schema.js';
import { newDocument, newTarget, taskOf, withTask, withoutSecrets } from './document.js';

/** What a job is gone through the steps for; `add` has no servers and options to ask for. */
export const PURPOSES = {
  __proto__: null,
  new: ['servers', 'tables', 'options', 'check', 'start'],
  add: ['tables', 'check', 'start'],
  update: ['servers', 'tables', 'options', 'check', 'start'],
};

/** {key, purpose, job, index, document, before, ui, lost}; null before one is open. `before`: the job's document. */
export const draft = signal(null);

const kept = (key) => `draft ${key}`;

effect(() => {
  const { value } = draft;
  if (value) session.set(kept(value.key), JSON.stringify(withoutSecrets(value)));
});

/** Open the draft that an address means: the one in memory, the one that the tab kept, or one that begins. */
export async function openDraft({ job = '', for: purpose = 'new' }) {
  const key = job ? `${purpose} ${job}` : 'new';
  if (draft.value?.key === key) return;
  const stored = session.get(kept(key));
  draft.value = stored ? restored(stored) : await begun(key, job, job && purpose in PURPOSES ? purpose : 'new');
}

function restored(text) {
  const value = JSON.parse(text);
  return { ...value, lost: lacksPasswords(value) };
}

/** Say whether an account of the document has no password: of a draft that was kept, it was not kept with it. */
export const lacksPasswords = ({ document }) => document.Tasks.some(({ Config }) => lacksPassword(Config));

const lacksPassword = ({ ConnectionConfig }) => !!ConnectionConfig?.User && !ConnectionConfig.Password;

async function begun(key, job, purpose) {
  const base = { key, purpose, job, index: 0, before: null, lost: false, ui: { some: {}, others: {} } };
  if (!job) return { ...base, document: newDocument() };
  const [found, schemas] = await Promise.all([get(`job/${encodeURIComponent(job)}`), loadSchemas()]);
  const document = documentOf(found, schemas);
  const everything = !taskOf(document, 'Src').Config.ReplicateDoDb?.length;
  return { ...base, index: found.JobModifyIndex, document, before: document, ui: { ...base.ui, everything } };
}

/** Change the document: by a function, or to another one. */
export function change(next) {
  const { document } = draft.value;
  draft.value = { ...draft.value, document: typeof next === 'function' ? next(document) : next };
}

/** Change what the document does not hold: which choices are open, what was typed to confirm. */
export function remember(changes) {
  draft.value = { ...draft.value, ui: { ...draft.value.ui, ...changes } };
}

/** Take another driver for the target; what was said of the one before is kept for a way back. */
export function changeTarget(driver) {
  const { document, ui } = draft.value;
  const task = taskOf(document, 'Dest');
  const before = task.Driver || 'MySQL';
  const others = { ...ui.others, [before]: { Config: task.Config, Type: document.Type } };
  const known = others[driver] ?? { Config: newTarget(driver), Type: driver === 'MySQL' ? 'synchronous' : 'subscribe' };
  remember({ others });
  change({ ...withTask(document, 'Dest', { Driver: driver, Config: known.Config }), Type: known.Type });
}

/** Forget the draft: it has become a job, or is not wanted. */
export function discard() {
  session.set(kept(draft.value.key), null);
  draft.value = null;
}
