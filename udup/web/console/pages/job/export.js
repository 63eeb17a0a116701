/** A job's document as it can be posted elsewhere: what the node keeps of it is left out, secrets become references. */
import { get } from '../../core/api.js';
import { answer } from './acts.js';
import { t } from '../../core/words.js';
import { documentOf, loadSchemas } from '../../parts/schema.js';
import { jobPath } from './requests.js';

const HIDDEN = '******';

/** Return the document with a reference to the environment in place of each hidden secret. */
export function withReferences(document) {
  const tasks = document.Tasks.map(task => replaced(task, [task.Type]));
  return { ...document, Tasks: tasks };
}

function replaced(value, path) {
  if (value === HIDDEN) return `env:UDUP_SECRET_${path.filter(part => part !== 'Config' && part !== 'ConnectionConfig').join('_').toUpperCase()}`;
  if (Array.isArray(value)) return value.map((each, i) => replaced(each, [...path, i]));
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each, [...path, key])]));
  return value;
}

/** Give the document to the browser as a file. */
export async function exportJob(job) {
  try {
    const document_ = withReferences(documentOf(await get(jobPath(job.ID)), await loadSchemas()));
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([`${JSON.stringify(document_, null, 2)}\n`], { type: 'application/json' }));
    link.download = `${job.ID.replace(/[^\w.-]+/g, '_')}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    answer.value = { id: job.ID, text: t('job.exported', { file: link.download }) };
  } catch (error) {
    answer.value = { id: job.ID, error };
  }
}
