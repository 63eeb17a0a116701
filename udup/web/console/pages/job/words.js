/** Sentences that are told where all is known that they name. */
import { has, t } from '../../core/words.js';

/** Return the sentence of a key, null where there is none or where it names what is not known. */
export function filled(key, params) {
  if (!has(key)) return null;
  const text = t(key, params);
  return /\{\w+\}/.test(text) ? null : text;
}
