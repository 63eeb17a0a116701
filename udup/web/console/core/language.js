// Which language the viewer reads.
import { kept } from './kept.js';

export const LANGUAGES = { __proto__: null, en: 'English', zh: '中文' };

/** The language that the viewer has chosen, or that the browser asks for. */
export function preferred() {
  const named = new URLSearchParams(location.search).get('lang') || kept.get('lang');
  if (named in LANGUAGES) return named;
  return (navigator.languages || []).map(each => each.slice(0, 2)).find(each => each in LANGUAGES) || 'en';
}
