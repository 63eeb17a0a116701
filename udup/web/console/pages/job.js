/** The page of a job: how it is, why, what can be done, whether it gets better; below that its parts as tabs. */
import { html, useMemo } from '../core/html.js';
import { get } from '../core/api.js';
import { Icon } from '../core/icons.js';
import { useKeys } from '../core/keys.js';
import { Empty, Failed, Skeleton, useLoad, usePage } from '../core/page.js';
import { go, href } from '../core/route.js';
import { lookOf } from '../core/states.js';
import { jobs, useJob } from '../core/store.js';
import { t } from '../core/words.js';
import { FailureCard, titleOf } from './job/failure.js';
import { Figures } from './job/figures.js';
import { JobHead } from './job/head.js';
import { Hour } from './job/hour.js';
import { jobPath } from './job/requests.js';
import { useSeries } from './job/series.js';
import { StageLine } from './job/stages.js';
import { Tables, expectTables } from './job/tables.js';
import { JobTabs, TABS } from './job/tabs.js';
import { useTimeline } from './job/timeline.js';
import { WaitingCard, waitTitle } from './job/waiting.js';
import { listed } from './jobs/order.js';

/** What stands below the head beside the tables, fetched when it is first shown. */
const OTHERS = {
  __proto__: null,
  compare: () => import('./compare.js'),
  cutover: () => import('./cutover.js'),
  events: () => import('./job/events.js'),
  document: () => import('./job/document.js'),
  allocations: () => import('./job/allocations.js'),
};

export default function Job({ id, tab }) {
  const { job, error, loading, reload } = useJob(id);
  const line = useTimeline(id), hour = useSeries(id); // asked for together with the job
  useMemo(() => expectTables(id), [id]);
  usePage(job?.Name || id);
  useNeighbours(id);
  useKeys(Object.fromEntries(TABS.filter(([, key]) => key).map(([name, key]) => [key, () => go('jobs', id, name)])));
  if (error?.status === 404) return html`<${Gone} id=${id} />`;
  const at = tab in OTHERS || TABS.some(([name]) => name === tab) ? tab : 'tables';
  return html`<${JobHead} id=${id} job=${job} />
    ${error && html`<${Failed} error=${error} retry=${reload} />`}
    ${job ? html`<div class="stack job"><${Shown} job=${job} at=${at} line=${line} hour=${hour} reload=${reload} /></div>` : loading && html`<${Skeleton} rows=${6} height=${56} />`}`;
}

function Shown({ job, at, line, hour, reload }) {
  const other = at !== 'tables' && html`<${Other} key=${at} name=${at} job=${job} line=${line} reload=${reload} />`;
  if (at === 'cutover') return other;
  return html`${other ? html`<${InShort} job=${job} />` : html`<${FailureCard} job=${job} /><${WaitingCard} job=${job} /><${Overview} job=${job} line=${line} hour=${hour} />`}
    <${JobTabs} id=${job.ID} job=${job} at=${at} />
    ${other || html`<${Tables} job=${job} />`}`;
}

/** What is the matter in a line, with the way to what mends it: on the tabs where the card does not stand. */
function InShort({ job }) {
  const title = job.Failure ? titleOf(job.Failure) : job.Waits && waitTitle(job.Waits);
  return title && html`<p class=${`notice ${job.Failure ? 'bad' : 'warn'}`}><${Icon} name=${lookOf(job.Shown).icon} /><span>${title}</span> <a class="link" href=${href('jobs', job.ID)}>${t('job.what_mends_it')}</a></p>`;
}

/** How the job is, above its tables. */
function Overview({ job, line, hour }) {
  const rounds = (line.entries ?? []).filter(entry => COMPARED.has(entry.Kind)).length, state = job.Comparison?.State;
  const { data: comparison } = useLoad(({ signal }) => (state ? get(jobPath(job.ID, '/compare'), { signal }) : null), [job.ID, rounds, state]);
  return html`<${StageLine} job=${job} entries=${line.entries} /><${Figures} job=${job} series=${hour.series} comparison=${comparison} /><${Warnings} texts=${job.Progress.warnings ?? []} />
    <${Hour} job=${job} hour=${hour} line=${line} />`;
}

/** Kinds of events after which the last comparison is another one. */
const COMPARED = new Set(['compared', 'differs', 'repaired']);

/** What does not keep the job from running, and should be known: in the node's words. */
const Warnings = ({ texts }) => texts.length > 0 && html`<details class="card warnings"><summary><${Icon} name="reconnecting" class="warn" /> ${t('job.warnings', { n: texts.length })}</summary>
  <ul lang="en">${texts.map(text => html`<li key=${text}>${text}</li>`)}</ul></details>`;

function Other({ name, job, line, reload }) {
  const { data: module, error, loading, retry } = useLoad(OTHERS[name], []);
  if (error) return html`<${Failed} error=${error} retry=${retry} />`;
  return module ? html`<${module.default} id=${job.ID} job=${job} line=${line} reload=${reload} />` : loading && html`<${Skeleton} rows=${6} />`;
}

function Gone({ id }) {
  return html`<h1 tabindex="-1">${id}</h1><${Empty} title=${t('job.gone', { id })}><a class="button" href=${href('jobs')}>${t('job.to_the_list')}</a><//>`;
}

/** "[" and "]": the job before and after this one, in the order of the list. */
function useNeighbours(id) {
  const step = by => () => {
    const all = listed(jobs.value.values()), next = all[all.indexOf(id) + by];
    return next === undefined ? false : go('jobs', next);
  };
  useKeys({ '[': step(-1), ']': step(1) });
}
