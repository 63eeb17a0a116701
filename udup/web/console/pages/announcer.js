// Says to a screen reader which jobs begin to need somebody: nothing else, and not more than once in five seconds.
import { effect, html, useEffect, useState } from '../core/html.js';
import { jobs, loaded } from '../core/store.js';
import { t } from '../core/words.js';

const PAUSE_MS = 5000;

const needs = job => job.NeedsYou || job.Group === 'needs_you';

export function Announcer() {
  const [text, say] = useState('');
  useEffect(() => {
    let before = null;
    let waiting = [];
    let timer = 0;
    const speak = () => {
      timer = 0;
      if (!waiting.length) return;
      say(waiting.length === 1 ? sentence(waiting[0]) : t('frame.several', { n: waiting.length }));
      waiting = [];
      timer = setTimeout(speak, PAUSE_MS);
    };
    return effect(() => {
      if (!loaded.value) return;
      const now = new Map([...jobs.value].filter(([, job]) => needs(job)));
      if (before) waiting.push(...[...now.values()].filter(job => !before.has(job.ID)));
      before = now;
      if (!timer) timer = setTimeout(speak, 0);
    });
  }, []);
  return html`<p class="hidden" role="status" aria-live="polite">${text}</p>`;
}

function sentence(job) {
  const key = { diverged: 'frame.diverged', failed: 'frame.failed' }[job.Shown] || 'frame.waits';
  return t(key, { name: job.Name || job.ID });
}
