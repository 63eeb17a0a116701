// Confirming what stops, changes or loses something. One dialog at a time; it answers with a promise.
import { html, signal, useEffect, useId, useRef, useState } from '../core/html.js';
import { t } from '../core/words.js';
import { Command } from './command.js';

const asked = signal(null);

/**
 * Ask before an act. `title`; `body`: paragraphs; `type`: what is to be typed ("" for nothing); `command`: the same on
 * the command line; `act`: the verb on the button; `danger`: 'none', 'changes' or 'loses'. Return false if it is
 * cancelled, else what was typed, or true.
 */
export function confirm(question) {
  return new Promise(answer => {
    const before = document.activeElement;
    asked.value = { body: [], danger: 'changes', type: '', command: '', ...question, answer: given => {
      asked.value = null;
      answer(given);
      queueMicrotask(() => before?.isConnected && before.focus());
    } };
  });
}

/** The place of the dialog; once in the page. */
export const Dialogs = () => asked.value && html`<${Ask} key=${asked.value.title} question=${asked.value} />`;

function Ask({ question }) {
  const { title, body, danger, type, command, act, answer } = question;
  const [typed, setTyped] = useState('');
  const id = useId();
  const given = useRef(false);
  const box = useModal();
  const isReady = !type || typed.trim() === type;
  const submit = event => {
    event.preventDefault();
    given.current = type ? typed.trim() : true;
    box.current.close();
  };
  return html`<dialog ref=${box} aria-labelledby=${id} onClose=${() => answer(given.current)}>
    <form onSubmit=${event => { event.preventDefault(); box.current.close(); }}>
      <h2 id=${id}>${title}</h2>
      ${[body].flat().map((text, i) => html`<p key=${i} class="soft">${text}</p>`)}
      ${command && html`<${Command} text=${command} />`}
      ${type && html`<label class="typed"><span>${t('dialog.type', { x: type })}</span>
        <input class="mono" autocomplete="off" spellcheck="false" value=${typed} onInput=${event => setTyped(event.target.value)} /></label>`}
      <div class="acts"><button type="submit">${t('dialog.cancel')}</button>
        <button type="button" class=${danger === 'loses' ? 'danger solid' : 'primary'} disabled=${!isReady} onClick=${submit}>${act}</button></div>
    </form></dialog>`;
}

/** Open a <dialog> as a modal one, with the focus on its field, or on Cancel. */
export function useModal() {
  const box = useRef(null);
  useEffect(() => {
    box.current.showModal();
    (box.current.querySelector('[autofocus], input, textarea') || box.current.querySelector('.acts button'))?.focus();
  }, []);
  return box;
}

/** A dialog with anything in it. `onClose` is called however it is closed. */
export function Dialog({ title, onClose, wide = false, children }) {
  const id = useId();
  const box = useModal();
  return html`<dialog ref=${box} class=${wide ? 'wide' : ''} aria-labelledby=${id} onClose=${onClose}>
    <div class="box"><h2 id=${id}>${title}</h2>${children}
      <div class="acts"><button type="button" onClick=${() => box.current.close()}>${t('dialog.close')}</button></div></div></dialog>`;
}
