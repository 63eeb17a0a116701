// Texts in the viewer's language. Words live in words/LANGUAGE/PART.js; both languages have the same keys.
import { signal } from './html.js';
import { kept } from './kept.js';
import { num } from './formats.js';
export { LANGUAGES, preferred } from './language.js';

const words = {};
const plurals = {};

/** The language that is shown: 'en' or 'zh'. Its words are loaded. */
export const lang = signal('en');

/** Load the words of a language, then show it. */
export async function speak(language) {
  if (!words[language]) {
    words[language] = (await import(`../words/${language}.js`)).default; // the node makes one module of all parts
    plurals[language] = new Intl.PluralRules(language);
  }
  document.documentElement.lang = language === 'zh' ? 'zh-Hans' : language;
  lang.value = language;
}

/** Show another language, and keep that; nothing changes where its words cannot be had, since the node is away. */
export async function choose(language) {
  try {
    await speak(language);
    kept.set('lang', language);
  } catch { /* the banner says that the node is not heard */ }
}

/** Whether there is a text of this key. */
export const has = key => Object.hasOwn(words[lang.value] || {}, key);

/** Return the text of a key, with its {names} filled in; `{one, other}` is chosen by `params.n`. */
export function t(key, params) {
  const filled = template(key, params).replace(/\{(\w+)\}/g, (whole, name) => shown(params?.[name], whole));
  return filled;
}

/** Return the text of a key as a list, in which {names} may stand for elements. */
export function rich(key, params) {
  return template(key, params).split(/(\{\w+\})/).filter(Boolean).map(piece => {
    const name = /^\{(\w+)\}$/.exec(piece)?.[1];
    return name && params?.[name] !== undefined ? params[name] : piece;
  });
}

function template(key, params) {
  const found = has(key) ? words[lang.value][key] : undefined;
  if (found === undefined) {
    if (window.__udupStrict) throw new Error(`no word in ${lang.value}: ${key}`);
    return key;
  }
  if (typeof found === 'string') return found;
  return found[plurals[lang.value].select(Number(params?.n) || 0)] ?? found.other;
}

function shown(value, whole) {
  if (value === undefined) return whole;
  return typeof value === 'number' ? num(value) : String(value ?? '–');
}
