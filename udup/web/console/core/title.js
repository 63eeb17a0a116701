// The tab's title and icon: how many jobs need somebody, then what the page shows.
import { effect, signal } from './html.js';

/** What the page shows. */
export const title = signal('');

/** How many jobs need somebody. */
export const needy = signal(0);

effect(() => {
  const count = needy.value ? `(${needy.value}) ` : '';
  document.title = `${count}${title.value ? `${title.value} · ` : ''}Udup`;
  const icon = document.querySelector('link[rel=icon]');
  const wanted = new URL(needy.value ? 'icon-needs.svg' : 'icon.svg', document.baseURI).href;
  if (icon && icon.href !== wanted) icon.href = wanted;
});
