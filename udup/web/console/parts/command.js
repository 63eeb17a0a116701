// A command of the command line, or statements for a server, with a button that copies them.
import { html } from '../core/html.js';
import { Copy } from './copy.js';

export const Command = ({ text, label = '' }) => html`<div class="command"><code>${text}</code><${Copy} text=${text} label=${label} /></div>`;
