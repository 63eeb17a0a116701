/** The statements that an account of the job needs, for exactly what is chosen, to be pasted on the server. */
import { html, useEffect, useState } from '../../core/html.js';
import { send } from '../../core/api.js';
import { Failed, useLoad } from '../../core/page.js';
import { t } from '../../core/words.js';
import { Command } from '../../parts/command.js';
import { configOf, withoutSecrets } from './document.js';
import { draft } from './draft.js';
import { lookAt } from './looks.js';

/** How long a change must rest before the statements are asked for again. */
const REST_MS = 600;

/** `open`: at once, as where privileges are missing. */
export function Grants({ end, open = false }) {
  const [isOpen, setOpen] = useState(open);
  return html`<details class="form-more" open=${isOpen} onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>${t('wizard.grants')}</summary>${isOpen && html`<${Statements} end=${end} />`}</details>`;
}

function Statements({ end }) {
  const { document } = draft.value;
  const asked = useRested(JSON.stringify([pathOf(draft.value), withoutPasswords(document)]));
  const { Host, User } = configOf(document, end).ConnectionConfig ?? {};
  const { data, error, retry } = useLoad(({ signal }) => send('POST', ...JSON.parse(asked), { signal }), [asked]);
  if (!Host || !User) return html`<p class="help">${t('wizard.grants.first')}</p>`;
  if (error) return html`<${Failed} error=${error} retry=${retry} />`;
  const own = data?.[end];
  if (!own) return html`<p class="help">${t('page.loading')}</p>`;
  const isChosen = configOf(document, 'Src').ReplicateDoDb?.length > 0;
  return html`<div class="stack tight"><p class="help">${t(isChosen ? 'wizard.grants.help' : 'wizard.grants.help_all')}</p>
    <${Command} text=${lines(own.Statements)} label=${t('wizard.grants')} />
    ${own.Note && html`<p class="help">${own.Note}</p>`}
    ${own.Optional?.length > 0 && html`<p class="help">${t('wizard.grants.optional')}</p><ul
      class="stack tight">${own.Optional.map((each) => html`<li key=${each.Statement} class="stack tight">
      <p class="help">${each.Use}</p><${Command} text=${lines([each.Statement])} /></li>`)}</ul>`}</div>`;
}

const lines = (statements) => statements.map((each) => `${each.replace(/;?\s*$/, '')};`).join('\n');

/** Return where the statements are asked for: with the servers' versions, where they are known by now. */
function pathOf(value) {
  const versions = { source_version: versionOf(value, 'Src'), target_version: versionOf(value, 'Dest') };
  const query = new URLSearchParams(Object.entries(versions).filter(([, version]) => version)).toString();
  return query ? `grants?${query}` : 'grants';
}

/** Of a server that is not typed yet one is named, so that the node asks none. */
const NOT_TYPED = '8.4.0';

function versionOf(value, end) {
  const { ConnectionConfig } = configOf(value.document, end);
  return lookAt(value, end)?.answer?.Server?.Version ?? (ConnectionConfig && !ConnectionConfig.Host ? NOT_TYPED : '');
}

/**
 * Return the document without passwords, on which the statements do not depend, and with something in place of what is
 * not typed yet: one end's statements are told before the other end is there.
 */
function withoutPasswords(document) {
  const copy = JSON.parse(JSON.stringify(withoutSecrets(document)));
  for (const { Config } of copy.Tasks) {
    const server = Config.ConnectionConfig;
    for (const account of [server, Config.NatsConfig, Config.KafkaConfig]) if (account) delete account.Password;
    if (server) Object.assign(server, { Host: server.Host || 'localhost', User: server.User || 'udup', Port: server.Port || 3306 });
    if ('Prefix' in Config) Config.Prefix ||= 'new';
    if (Config.KafkaConfig && ![Config.KafkaConfig.Brokers].flat().some(Boolean)) Config.KafkaConfig.Brokers = ['localhost:9092'];
  }
  return copy;
}

/** Return a text when it has rested. */
function useRested(text) {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}
