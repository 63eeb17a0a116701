// The console: signs in, hears the node, and shows the page that the address names.
import { html, render, signal, useEffect, useErrorBoundary, useState } from './core/html.js';
import { preferred, speak } from './core/words.js';
import './core/theme.js';
import { keepJobs, readJobs } from './core/store.js';
import { preloadPages } from './core/preload.js';
import { startLive } from './core/live.js';
import { route } from './core/route.js';
import { introduce, self, signedOut } from './core/session.js';
import { Failed, Late, Skeleton } from './core/page.js';
import { Dialogs } from './parts/dialog.js';
import { Frame } from './pages/frame.js';
import { SignIn } from './pages/signin.js';
import { Unreachable } from './pages/unreachable.js';
import { Missing } from './pages/missing.js';

/** Pages are fetched when they are first shown. */
const PAGES = {
  __proto__: null,
  jobs: () => import('./pages/jobs.js'),
  job: () => import('./pages/job.js'),
  new: () => import('./pages/new/wizard.js'),
  subscriptions: () => import('./pages/subscriptions.js'),
  subscription: () => import('./pages/subscription.js'),
  nodes: () => import('./pages/nodes.js'),
  node: () => import('./pages/node.js'),
  processes: () => import('./pages/processes.js'),
  settings: () => import('./pages/settings.js'),
};

const fetched = new Map();
const problem = signal(null);

/** Return the page's name: those of one thing have one of their own. */
function nameOf({ page, id }) {
  return id && ['jobs', 'subscriptions', 'nodes'].includes(page) ? page.slice(0, -1) : page;
}

function Page() {
  const here = route.value;
  const name = nameOf(here);
  const [, arrived] = useState(0);
  const [error, reset] = useErrorBoundary();
  useEffect(() => {
    if (!(name in PAGES) || fetched.has(name)) return;
    const put = page => { fetched.set(name, page); arrived(count => count + 1); };
    PAGES[name]().then(module => put(module.default), () => put(Missing));
  }, [name]);
  useEffect(() => reset(), [name, here.id]);
  if (error) {
    if (window.__udupStrict) throw error;
    return html`<${Failed} error=${error} retry=${reset} />`;
  }
  if (!(name in PAGES)) return html`<${Missing} />`;
  const Shown = fetched.get(name);
  return Shown ? html`<${Shown} key=${`${name} ${here.id}`} id=${here.id} tab=${here.tab} query=${here.query} />` : html`<${Late}><${Skeleton} rows=${6} height=${56} /></${Late}>`;
}

function App() {
  if (signedOut.value === 'start') return html`<${SignIn} />`;
  if (!self.value) return problem.value ? html`<${Unreachable} error=${problem.value} retry=${() => begin()} />` : null;
  return html`<${Frame}><${Page} /></${Frame}>${signedOut.value === 'later' && html`<${SignIn} later />`}<${Dialogs} />`;
}

async function begin(asked = introduce()) {
  problem.value = null;
  try {
    await asked;
  } catch (error) {
    if (error.status !== 401) problem.value = error;
  }
}

const asked = introduce();
asked.catch(() => { /* told by begin */ });
if (route.value.page === 'jobs' && !route.value.id) {
  void readJobs(); // beside the other two, so that the list is there with them
  void PAGES.jobs();
}
const place = document.getElementById('app');
try {
  await speak(preferred());
  await begin(asked);
  startLive();
  keepJobs();
  render(html`<${App} />`, place);
  document.documentElement.dataset.ready = 'yes';
  setTimeout(preloadPages, 500);
} catch (error) {
  place.textContent = 'The console could not be loaded; load the page again. 控制台加载失败，请重新加载页面。';
  throw error;
}
