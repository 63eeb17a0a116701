// The jobs, kept current for whoever looks at them.
import { computed, effect, signal, useEffect, useState } from './html.js';
import { get } from './api.js';
import { watch } from './live.js';
import { self, signedOut } from './session.js';
import { needy } from './title.js';

/** All jobs, by their IDs. */
export const jobs = signal(new Map());

/** Whether the list has been read once. */
export const loaded = signal(false);

/** Why the list could not be read, null if it was. */
export const failed = signal(null);

/** Lag of the last hour by job: {ID: [ms or null, …]}. */
export const spark = signal(new Map());

const needing = computed(() => [...jobs.value.values()].filter(job => job.NeedsYou || job.Group === 'needs_you').length);
effect(() => { needy.value = needing.value; });

/** Begin to keep the list; to be called once. */
export function keepJobs() {
  watch('jobs', (type, data) => {
    if (type === 'reset') void readJobs();
    if (type === 'jobs') take(data);
  });
  effect(() => { if (self.value && !signedOut.value) void readJobs(); });
}

let reading = null;

/** Read the whole list; who asks while it is read waits for the same answer. */
export function readJobs() {
  reading ??= readAll().finally(() => { reading = null; });
  return reading;
}

async function readAll() {
  try {
    take({ Jobs: await get('jobs?brief'), All: true });
  } catch (error) {
    if (error.status !== 401) failed.value = error;
  }
}

function take({ Jobs = [], Gone = [], All = false }) {
  const next = All ? new Map() : new Map(jobs.value);
  for (const id of Gone || []) next.delete(id);
  for (const job of Jobs || []) next.set(job.ID, job);
  jobs.value = next;
  loaded.value = true;
  failed.value = null;
}

/** Read the lags of the last hour of all jobs, a point a minute. */
export async function readSparks() {
  try {
    const { Jobs } = await get('series?points=60');
    spark.value = new Map(Object.entries(Jobs || {}));
  } catch { /* the list does without */ }
}

const kept = new Map(); // ID → {signal, watchers, stop}

/** The whole job, kept current while somebody watches: {job, error, loading}. */
export function job(id) {
  if (!kept.has(id)) kept.set(id, { state: signal({ job: null, error: null, loading: true }), users: 0, stop: null });
  return kept.get(id).state;
}

/** Whether a job that comes by the stream was looked at before what a request has told meanwhile. */
const isOlder = (told, known) => Boolean(known) && told.ModifyIndex < known.ModifyIndex;

async function readJob(id) {
  const { state } = kept.get(id);
  try {
    state.value = { job: await get(`job/${encodeURIComponent(id)}`), error: null, loading: false };
  } catch (error) {
    state.value = { ...state.value, error, loading: false };
  }
}

function attend(id) {
  job(id);
  const entry = kept.get(id);
  entry.users += 1;
  if (entry.users === 1) {
    entry.stop = watch([`job:${id}`, 'jobs'], (type, data) => {
      if (type === 'job' && !isOlder(data.Job, entry.state.value.job)) entry.state.value = { job: data.Job, error: null, loading: false };
      else if (type === 'reset') void readJob(id);
      else if (type === 'jobs' && data.Gone?.includes(id)) void readJob(id);
    });
    void readJob(id);
  }
  return () => {
    entry.users -= 1;
    if (!entry.users) {
      entry.stop();
      kept.delete(id);
    }
  };
}

/** Use a job: {job, error, loading, reload}. */
export function useJob(id) {
  const [shown, show] = useState(() => job(id).value);
  useEffect(() => {
    const leave = attend(id);
    const stop = effect(() => show(job(id).value));
    return () => { stop(); leave(); };
  }, [id]);
  return { ...shown, reload: () => readJob(id) };
}
