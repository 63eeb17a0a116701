// Runs before the other modules are there: it has the words fetched beside them.
import { preferred } from './core/language.js';
import { preload } from './core/preload.js';

preload([`words/${preferred()}.js`]);
