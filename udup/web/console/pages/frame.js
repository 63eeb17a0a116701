// The frame of all pages: navigation, whether the node is heard, language and theme, keys that go everywhere.
import { html, useRef, useState } from '../core/html.js';
import { steady } from '../core/clock.js';
import { dur } from '../core/formats.js';
import { Icon } from '../core/icons.js';
import { useKeys } from '../core/keys.js';
import { connection, isStale } from '../core/live.js';
import { go, href, route } from '../core/route.js';
import { canWrite, role } from '../core/session.js';
import { needy } from '../core/title.js';
import { chooseTheme, isDark } from '../core/theme.js';
import { choose, LANGUAGES, lang, t } from '../core/words.js';
import { Announcer } from './announcer.js';
import { Banner, useSecond } from './banner.js';
import { KeyList } from './keylist.js';

const PAGES = ['jobs', 'subscriptions', 'nodes', 'processes', 'settings'];

export function Frame({ children }) {
  const [help, showHelp] = useState(false);
  const main = useRef(null);
  useKeys({
    'g j': () => go('jobs'), 'g s': () => go('subscriptions'), 'g n': () => go('nodes'), 'g p': () => go('processes'),
    n: () => canWrite.value && go('new', 'servers'), '?': () => showHelp(true),
    '/': () => focusSearch(),
  });
  const skip = event => { event.preventDefault(); main.current.focus(); };
  return html`<a class="skip" href="#main" onClick=${skip}>${t('nav.skip')}</a>
    <div class="frame"><${Side} />
      <main id="main" tabindex="-1" ref=${main} class=${isStale.value ? 'is-stale' : ''}><${Banner} />${children}</main></div>
    <${Announcer} />${help && html`<${KeyList} onClose=${() => showHelp(false)} />`}`;
}

function focusSearch() {
  const field = document.querySelector('main input[type=search]');
  field?.focus();
  return Boolean(field);
}

function Side() {
  const here = route.value.page === 'new' ? 'jobs' : route.value.page;
  return html`<header class="side"><a class="brand" href=${href('jobs')}><${Icon} name="logo" />Udup</a>
    <nav aria-label=${t('nav.main')}>${PAGES.map(page => html`<a key=${page} href=${href(page)} aria-current=${here === page ? 'page' : undefined}>
      <${Icon} name=${page} /><span>${t(`nav.${page}`)}</span>${page === 'jobs' && needy.value > 0 && html`<span class="count" aria-hidden="true">${needy.value}</span>
      <span class="hidden">, ${t('nav.need', { n: needy.value })}</span>`}</a>`)}</nav>
    <div class="foot"><${Heard} /><${Preferences} /></div></header>`;
}

/** What the node says of itself, and since when. */
function Heard() {
  useSecond();
  const { state, node, heardAt } = connection.value;
  const fine = state === 'live' || state === 'polling';
  const seconds = Math.max(0, Math.round((steady() - heardAt) / 1000));
  const zone = Intl.DateTimeFormat(lang.value === 'zh' ? 'zh-Hans' : 'en-GB', { timeZoneName: 'short' }).formatToParts().find(part => part.type === 'timeZoneName')?.value;
  return html`<p class="heard" title=${state === 'polling' ? t('frame.polling_why') : t('frame.zone', { zone })}><${Icon} name=${fine ? 'running' : 'not_heard'} class=${fine ? 'ok' : 'warn'} />
    <span class="text"><b>${t(`frame.${state}`)}</b>${node && ` · ${node}`}<br />${t('frame.heard', { t: dur(seconds) })}<br /><span class="faint">${t('frame.zone', { zone })}</span></span></p>`;
}

function Preferences() {
  const dark = isDark.value;
  const other = Object.keys(LANGUAGES).find(each => each !== lang.value);
  return html`<div class="prefs"><button type="button" class="quiet" aria-label=${t(dark ? 'frame.theme_light' : 'frame.theme_dark')} title=${t(dark ? 'frame.theme_light' : 'frame.theme_dark')} onClick=${() => chooseTheme(dark ? 'light' : 'dark')}><${Icon} name=${dark ? 'sun' : 'moon'} /></button>
    <button type="button" class="quiet" lang=${other === 'zh' ? 'zh-Hans' : other} onClick=${() => choose(other)}>${LANGUAGES[other]}</button>
    ${role.value === 'read' && html`<span class="tag">${t('frame.read_only')}</span>`}</div>`;
}
