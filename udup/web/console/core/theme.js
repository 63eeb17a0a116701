// Light, dark, or as the system is.
import { effect, signal } from './html.js';
import { kept } from './kept.js';

export const THEMES = ['system', 'light', 'dark'];

const wanted = new URLSearchParams(location.search).get('theme') || kept.get('theme');

/** The theme that the viewer has chosen. */
export const theme = signal(THEMES.includes(wanted) ? wanted : 'system');

/** Whether the page is dark now. */
export const isDark = signal(false);

const system = matchMedia('(prefers-color-scheme: dark)');

export function chooseTheme(name) {
  theme.value = name;
  kept.set('theme', name);
}

function apply() {
  isDark.value = theme.value === 'dark' || (theme.value === 'system' && system.matches);
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light';
}

effect(apply);
system.addEventListener('change', apply);
