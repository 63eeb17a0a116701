// A button for an act on the node: it says what is going on, and what went wrong stands under it.
import { html, useId, useRef, useState } from '../core/html.js';
import { Details, textOf } from '../core/page.js';
import { canWrite } from '../core/session.js';
import { isStale } from '../core/live.js';
import { t } from '../core/words.js';
import { Copy } from './copy.js';

/**
 * `onAct` returns a promise; while it lasts the button says `busy` and does nothing more. Its error stands under it; a
 * promise of `false` is an act that was called off. `danger`: 'none', 'changes', 'loses'. Who may only read gets the
 * command to copy instead of the button, nothing where there is none.
 */
export function ActButton({ label, busy, danger = 'none', primary = false, command = '', icon, disabled, onAct }) {
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const id = useId();
  const running = useRef(false);
  if (!canWrite.value) return command ? html`<${Copy} text=${command} word=${t('act.copy_command')} />` : null;
  const press = async () => {
    if (running.current) return;
    running.current = true;
    setError(null);
    setBusy(true);
    try {
      await onAct();
    } catch (problem) {
      setError(problem);
    } finally {
      running.current = false;
      setBusy(false);
    }
  };
  const looks = `${danger === 'loses' ? 'danger' : ''} ${primary ? 'primary' : ''}`;
  const words = isBusy ? (busy || t('act.busy')) + (isStale.value ? ` ${t('act.unconfirmed')}` : '') : label;
  return html`<span class="act"><button type="button" class=${looks} disabled=${disabled} aria-busy=${isBusy} aria-describedby=${error ? id : undefined} onClick=${press}>
    ${icon}<span>${words}</span></button>
    ${error && html`<div class="act-error" id=${id} role="alert"><p>${textOf(error)}</p><${Details} error=${error} /></div>`}</span>`;
}
