// The banner over all pages while the node is not heard: how old what one sees is, and when it is asked again.
import { html, useEffect, useState } from '../core/html.js';
import { now, steady } from '../core/clock.js';
import { clock, dur } from '../core/formats.js';
import { Icon } from '../core/icons.js';
import { connection, isStale, tryNow } from '../core/live.js';
import { t } from '../core/words.js';

/** Paint again each second, by this machine's clock: also while the node is not heard. */
export function useSecond() {
  const [, next] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) next(count => count + 1); }, 1000);
    return () => clearInterval(timer);
  }, []);
}

export const Banner = () => isStale.value && html`<${Lost} />`;

function Lost() {
  useSecond();
  const { heardAt, nextTry } = connection.value;
  const silent = Math.round((steady() - heardAt) / 1000);
  const left = Math.ceil((nextTry - steady()) / 1000);
  return html`<div class="banner"><${Icon} name="reconnecting" />
    <span><b>${t('frame.not_heard', { t: dur(silent) })}</b> ${t('frame.seen_at', { time: clock(now() - (steady() - heardAt), { seconds: true }) })}${' '}
      ${left > 0 ? t('frame.next_try', { t: dur(left) }) : t('frame.trying_now')}</span>
    <button type="button" onClick=${tryNow}>${t('frame.try_now')}</button></div>`;
}
