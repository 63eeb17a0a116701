// Modules are fetched before somebody needs them: over a slow way each page would wait for one after the other.
const asked = new Set();

/** Have modules fetched and compiled, by their names from the console's folder. */
export function preload(names) {
  for (const name of names) {
    if (asked.has(name)) continue;
    asked.add(name);
    const link = document.createElement('link');
    link.rel = 'modulepreload';
    link.href = new URL(name, document.baseURI).href;
    document.head.append(link);
  }
}

/** What most viewers open after the list. */
const NEXT = ['pages/job.js', 'pages/job/events.js', 'pages/compare.js', 'pages/cutover.js'];

/** Pages by the beginning of their addresses. */
const PLACES = [['#/new', 'new/wizard'], ['#/subscriptions/', 'subscription'], ['#/subscriptions', 'subscriptions'], ['#/nodes/', 'node'],
  ['#/nodes', 'nodes'], ['#/processes', 'processes'], ['#/settings', 'settings'], ['#/jobs/', 'job']];

/** When the first page is painted: have a job's page fetched, and any other when the pointer or the focus comes to its link. */
export async function preloadPages() {
  let graph;
  try { graph = await (await fetch(new URL('graph.json', document.baseURI))).json(); } catch { return; }
  preload(NEXT.flatMap(name => graph[name] || []));
  const near = event => {
    const link = event.target.closest?.('a[href^="#/"]');
    const page = link && PLACES.find(([place]) => link.getAttribute('href').startsWith(place))?.[1];
    if (page) preload(graph[`pages/${page}.js`] || []);
  };
  addEventListener('pointerover', near, { passive: true });
  addEventListener('focusin', near);
}
