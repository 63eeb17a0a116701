// Settings: those of this browser can be chosen; those of the node are shown as they are in force.
import { html, useId } from '../core/html.js';
import { address } from '../core/api.js';
import { Icon } from '../core/icons.js';
import { kept } from '../core/kept.js';
import { letters } from '../core/keys.js';
import { Failed, useLoad, usePage } from '../core/page.js';
import { role, self, signOut, token } from '../core/session.js';
import { chooseTheme, theme, THEMES } from '../core/theme.js';
import { choose, LANGUAGES, lang, t } from '../core/words.js';
import { Health } from './nodes/health.js';

export default function Settings() {
  const heading = usePage(t('settings.title'));
  return html`<div class="head"><h1 ref=${heading}>${t('settings.title')}</h1></div>
    <div class="stack"><${Yours} /><section class="card"><header><h2>${t('settings.health')}</h2></header><${Health} /></section><${OfNode} /><${OfConsole} /></div>`;
}

function Yours() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const setLetters = on => { letters.value = on; kept.set('letters', on ? 'on' : 'off'); };
  return html`<section class="card"><header><h2>${t('settings.yours')}</h2></header><div class="pad stack">
    <${Choice} label=${t('settings.theme')} options=${THEMES.map(name => [name, t(`settings.theme_${name}`)])} now=${theme.value} onPick=${chooseTheme} />
    <${Choice} label=${t('settings.language')} options=${Object.entries(LANGUAGES)} now=${lang.value} onPick=${choose} isLanguage />
    <label class="check"><input type="checkbox" checked=${letters.value} onChange=${event => setLetters(event.target.checked)} /><span>${t('settings.letters')}<br /><span class="small soft">${t('settings.letters_help')} ${t('settings.keys')}</span></span></label>
    <dl class="facts"><dt>${t('settings.zone')}</dt><dd>${zone}</dd><dt>${t('settings.signed')}</dt><dd>${t(`settings.role_${role.value || 'read'}`)}${!token.value && ` · ${t('settings.no_token')}`}</dd></dl>
    ${token.value && html`<div><button type="button" onClick=${signOut}><${Icon} name="key" />${t('settings.sign_out')}</button></div>`}</div></section>`;
}

function Choice({ label, options, now, onPick, isLanguage = false }) {
  const id = useId();
  return html`<fieldset class="choice"><legend class="small">${label}</legend><div class="row">${options.map(([value, word]) => html`<label key=${value} class="check"><input type="radio" name=${id} checked=${value === now} onChange=${() => onPick(value)} /><span lang=${isLanguage ? (value === 'zh' ? 'zh-Hans' : value) : undefined}>${word}</span></label>`)}</div></fieldset>`;
}

function OfNode() {
  const { config = {}, stats = {} } = self.value || {};
  return html`<section class="card"><header><h2>${t('settings.node')}</h2></header><p class="pad small soft">${t('settings.node_text')}</p><${Values} title=${t('settings.node')} values=${config} />
    <header><h2>${t('settings.numbers')}</h2></header><${Values} title=${t('settings.numbers')} values=${stats} /></section>`;
}

/** Names and values, nested ones by their path. */
const Values = ({ title, values }) => html`<table class="values"><caption class="hidden">${title}</caption><thead class="hidden-head"><tr><th scope="col">${t('settings.setting')}</th><th scope="col">${t('settings.value')}</th></tr></thead>
  <tbody>${flat(values).map(([name, value]) => html`<tr key=${name}><th scope="row" class="mono small wrap">${name}</th><td class="mono small wrap">${value === '' || value === null ? html`<span class="faint">${t('settings.empty')}</span>` : String(value)}</td></tr>`)}</tbody></table>`;

function flat(values, path = '') {
  return Object.entries(values).flatMap(([key, value]) => (value && typeof value === 'object' && Object.keys(value).length ? flat(value, `${path}${key}.`) : [[path + key, value && typeof value === 'object' ? '' : value]]));
}

function OfConsole() {
  const { data, error, retry } = useLoad(async options => {
    const answer = await fetch(new URL('vendor/vendor.json', document.baseURI), options);
    return [...new Map((await answer.json()).map(each => [each.package, each])).values()];
  }, []);
  return html`<section class="card"><header><h2>${t('settings.console')}</h2></header><div class="pad stack tight">
      <p class="row"><a class="link" href="../docs/">${t('settings.docs')}</a> <a class="link" href=${address('openapi.json').href}>${t('settings.api')}</a> <a class="link" href="vendor/LICENSES.txt">${t('settings.licences')}</a></p></div>
    ${error ? html`<${Failed} error=${error} retry=${retry} />` : data && html`<table><caption class="hidden">${t('settings.libraries')}</caption><thead><tr><th scope="col">${t('settings.package')}</th><th scope="col">${t('settings.version')}</th><th scope="col">${t('settings.licence')}</th></tr></thead>
      <tbody>${data.map(each => html`<tr key=${each.package}><td class="name wrap">${each.package}</td><td>${each.version}</td><td>${each.licence}</td></tr>`)}</tbody></table>`}</section>`;
}
