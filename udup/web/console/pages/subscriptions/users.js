// Who may read from the node's own JetStream. A password is shown once, when its user is made.

import { html, useState } from '../../core/html.js';
import { t } from '../../core/words.js';
import { get, send } from '../../core/api.js';
import { Failed, Skeleton, useLoad } from '../../core/page.js';
import { canWrite } from '../../core/session.js';
import { ActButton } from '../../parts/button.js';
import { Copy } from '../../parts/copy.js';
import { confirm } from '../../parts/dialog.js';
import { Field } from '../../parts/field.js';
import { Time } from '../../parts/time.js';
import { quoted } from '../follow.js';

export function Users() {
  const { data, error, loading, retry } = useLoad(({ signal }) => get('nats/users', { signal }), []);
  const [made, setMade] = useState(null);
  return html`<section class="card users" aria-labelledby="users">
    <header><h2 id="users">${t('users.title')}</h2><span class="soft small">${t('users.intro')}</span></header>
    ${error?.status === 400 ? html`<p class="pad soft" lang="en">${error.text}</p>` : error && html`<${Failed} error=${error} retry=${retry} />`}
    ${!data && loading && html`<${Skeleton} rows=${2} />`}
    ${data && (data.length ? html`<${List} users=${data} again=${retry} />` : html`<p class="pad soft">${t('users.none')}</p>`)}
    ${made && html`<${Made} made=${made} close=${() => setMade(null)} />`}
    ${data && canWrite.value && html`<${Add} onMade=${user => { setMade(user); retry(); }} />`}</section>`;
}

function List({ users, again }) {
  const remove = user => async () => {
    const command = `udup nats user remove ${quoted(user.Name)}`;
    const asked = { title: t('users.remove.title', { name: user.Name }), body: [t('users.remove.what')], danger: 'loses', command, act: t('users.remove') };
    if (!await confirm(asked)) return;
    await send('DELETE', `nats/users/${encodeURIComponent(user.Name)}`);
    again();
  };
  return html`<table><caption class="hidden">${t('users.title')}</caption><thead><tr><th scope="col">${t('users.name')}</th><th scope="col">${t('users.streams')}</th>
      <th scope="col" class="wide">${t('users.since')}</th><th scope="col"><span class="hidden">${t('users.acts')}</span></th></tr></thead>
    <tbody>${users.map(user => html`<tr key=${user.Name}><td class="wrap"><b>${user.Name}</b></td><td class="wrap"><code>${user.Streams.join(', ')}</code>
      ${user.Missing.length > 0 && html`<div class="soft small">${t('users.missing', { streams: user.Missing.join(', ') })}</div>`}</td>
      <td class="wide"><${Time} at=${user.Since} /></td>
      <td class="num"><${ActButton} label=${t('users.remove_')} danger="loses" command=${`udup nats user remove ${quoted(user.Name)}`} onAct=${remove(user)} /></td></tr>`)}</tbody></table>`;
}

function Made({ made, close }) {
  const line = (word, text) => text && html`<dt>${t(word)}</dt><dd><code>${text}</code> <${Copy} text=${text} label=${t(word)} /></dd>`;
  return html`<div class="pad made" role="status"><p><b>${t('users.made', { name: made.Name })}</b> ${t('users.once')}</p>
    <dl class="facts">${line('users.name', made.Name)}${line('users.password', made.Password)}${line('users.address', made.Address)}${line('users.remote', made.RemoteAddress)}</dl>
    <button type="button" onClick=${close}>${t('users.noted')}</button></div>`;
}

function Add({ onMade }) {
  const [name, setName] = useState('');
  const [streams, setStreams] = useState('');
  const listed = streams.split(/[\s,]+/).filter(Boolean);
  const add = async () => {
    const made = await send('POST', 'nats/users', { Name: name.trim(), Streams: listed });
    setName('');
    setStreams('');
    onMade(made);
  };
  return html`<form class="pad row again" onSubmit=${event => event.preventDefault()}>
    <${Field} label=${t('users.name')} value=${name} onInput=${setName} autocomplete="off" spellcheck="false" />
    <${Field} label=${t('users.streams')} value=${streams} onInput=${setStreams} autocomplete="off" spellcheck="false" placeholder="SHOP1" />
    <${ActButton} label=${t('users.add')} busy=${t('users.add.busy')} disabled=${!name.trim() || !listed.length} onAct=${add} /></form>`;
}
