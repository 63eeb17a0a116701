// The token, asked for at the start, or over the page when it is no longer accepted: then nothing of the page is lost.
import { html, useEffect, useRef, useState } from '../core/html.js';
import { Icon } from '../core/icons.js';
import { textOf } from '../core/page.js';
import { signIn } from '../core/session.js';
import { title } from '../core/title.js';
import { t } from '../core/words.js';
import { Field } from '../parts/field.js';

export function SignIn({ later = false }) {
  const [given, setGiven] = useState('');
  const [keep, setKeep] = useState(false);
  const [error, setError] = useState('');
  const [isBusy, setBusy] = useState(false);
  const form = useRef(null);
  useEffect(() => {
    if (!later) title.value = t('sign.title');
    form.current.querySelector('input').focus();
  }, []);
  const submit = async event => {
    event.preventDefault();
    if (!given.trim()) { setError(t('sign.needed')); return; }
    setBusy(true);
    try {
      await signIn(given.trim(), keep);
    } catch (problem) {
      setError(problem.status === 401 ? t('sign.not_accepted') : textOf(problem));
      setBusy(false);
      form.current?.querySelector('input').focus();
    }
  };
  const Heading = later ? 'h2' : 'h1';
  const fields = html`<form ref=${form} onSubmit=${submit} aria-labelledby="sign-in">
    ${!later && html`<p class="brand"><${Icon} name="logo" />Udup</p>`}
    <${Heading} id="sign-in">${t(later ? 'sign.later' : 'sign.title')}</${Heading}>
    ${later && html`<p class="soft">${t('sign.later_text')}</p>`}
    <${Field} label=${t('sign.token')} help=${t('sign.where')} error=${error} type="password" autocomplete="current-password" value=${given} onInput=${setGiven} />
    <label class="check"><input type="checkbox" checked=${keep} onChange=${event => setKeep(event.target.checked)} /><span>${t('sign.keep')}<br /><span class="small soft">${t('sign.keep_not')}</span></span></label>
    <button type="submit" class="primary" aria-busy=${isBusy}><${Icon} name="key" />${t(isBusy ? 'sign.trying' : 'sign.in')}</button></form>`;
  return later ? html`<div class="later" role="dialog" aria-modal="true" aria-labelledby="sign-in"><div class="entry"><div class="card">${fields}</div></div></div>`
    : html`<main class="entry"><div class="card">${fields}</div></main>`;
}
