/** The statements that an account of the job needs, for exactly what is chosen, to be pasted on the server. */
import { html, useEffect, useState } from '../../core/html.js';
import { send } from '../../core/api.js';
import { Failed, useLoad } from '../../core/page.js';
import { t } from '../../core/words.js';
import { Command } from '../../parts/command.js';
import { configOf, withoutSecrets } from './document.js';
import { draft } from './draft.js';

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
  const asked = useRested(JSON.stringify(withoutSecrets({ ...document, Name: document.Name || 'new' })));
  const { Host, User } = configOf(document, end).ConnectionConfig ?? {};
  const { data, error, retry } = useLoad(({ signal }) => send('POST', 'grants', withPasswords(JSON.parse(asked)), { signal }), [asked]);
  if (!Host || !User) return html`<p class="help">${t('wizard.grants.first')}</p>`;
  if (error) return html`<${Failed} error=${error} retry=${retry} />`;
  const own = data?.[end];
  if (!own) return html`<p class="help">${t('page.loading')}</p>`;
  const text = own.Statements.map((each) => `${each.replace(/;?\s*$/, '')};`).join('\n');
  return html`<p class="help">${t('wizard.grants.help')}</p><${Command} text=${text} label=${t('wizard.grants')} />`;
}

/** Which statements an account needs does not depend on its password, so none is sent. */
function withPasswords(document) {
  for (const { Config } of document.Tasks) {
    for (const account of [Config.ConnectionConfig, Config.NatsConfig, Config.KafkaConfig]) {
      if (account) delete account.Password;
      if (account?.Host === '') account.Host = 'localhost';
      if (account?.User === '') account.User = 'udup';
    }
  }
  return document;
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
