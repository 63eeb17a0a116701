/** The job's document as the wizard's steps read and change it. Nothing here asks a server. */

/** Return the document that the wizard begins with. */
export function newDocument() {
  const server = () => ({ Host: '', Port: 3306, User: '' });
  return {
    Name: '',
    Type: 'synchronous',
    Tasks: [
      { Type: 'Src', Driver: 'MySQL', Config: { ConnectionConfig: server(), ReplicateDoDb: [] } },
      { Type: 'Dest', Driver: 'MySQL', Config: { ConnectionConfig: server() } },
    ],
  };
}

/** Return the Config that a target of a driver begins with. */
export function newTarget(driver) {
  if (driver === 'NATS') return { Prefix: '', NatsConfig: {} };
  if (driver === 'Kafka') return { Prefix: '', KafkaConfig: { Brokers: [] } };
  return { ConnectionConfig: { Host: '', Port: 3306, User: '' } };
}

export const placeOf = (document, end) => document.Tasks.findIndex((task) => task.Type === end);
export const taskOf = (document, end) => document.Tasks[placeOf(document, end)];
export const configOf = (document, end) => taskOf(document, end).Config;
export const driverOf = (document, end) => taskOf(document, end).Driver || 'MySQL';

/** Return the path of an end's Config, as the API's errors name it. */
export const configPath = (document, end) => `Tasks[${placeOf(document, end)}].Config`;

/** Say whether the target takes messages. */
export const delivers = (document) => ['NATS', 'Kafka'].includes(driverOf(document, 'Dest'));

/** Return an object with some keys changed; undefined takes a key out. */
export function changed(object, changes) {
  const all = { ...object, ...changes };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Return the document with keys of a task changed. */
export function withTask(document, end, changes) {
  const place = placeOf(document, end);
  return { ...document, Tasks: document.Tasks.map((task, at) => (at === place ? changed(task, changes) : task)) };
}

/** Return the document with keys of an end's Config changed. */
export const withConfig = (document, end, changes) =>
  withTask(document, end, { Config: changed(configOf(document, end), changes) });

/** Return where a server is, for people. */
export function serverOf(document, end) {
  const config = configOf(document, end);
  if (config.ConnectionConfig) return `${config.ConnectionConfig.Host}:${config.ConnectionConfig.Port}`;
  if (config.KafkaConfig) return [config.KafkaConfig.Brokers].flat().join(', ');
  return config.NatsConfig?.Url || '';
}

const REFERENCE = /^(env|file):/;

/** Return a copy without passwords that are written out; references and masks stay, as they are no secrets. */
export function withoutSecrets(value, hidden = undefined) {
  if (Array.isArray(value)) return value.map((each) => withoutSecrets(each, hidden));
  if (!value || typeof value !== 'object') return value;
  const kept = Object.entries(value).map(([key, own]) => {
    const secret = /^password$/i.test(key) || /\.with\.salt\./.test(key);
    return [key, secret && !isReference(own) ? hidden : withoutSecrets(own, hidden)];
  });
  return Object.fromEntries(kept.filter(([, own]) => own !== undefined));
}

const isReference = (value) => !value || value === '******' || REFERENCE.test(value);

/** Say whether a document has passwords that are written out. */
export const hasSecrets = (document) => JSON.stringify(withoutSecrets(document)) !== JSON.stringify(document);

/** Return an ID made of a name: no spaces, and nothing that a path of the API cannot hold. */
export const idFrom = (name) => name.trim().toLowerCase().replace(/[\s/?#%]+/g, '-').replace(/^[.-]+|[.-]+$/g, '');

/** Return what is posted: the document, and by which state of the job it goes. */
export const postOf = (document, index) => ({ Job: ordered(document), EnforceIndex: true, JobModifyIndex: index });

const FIRST = ['ID', 'Name', 'Type', 'EndWhen', 'Failover', 'Compression', 'Verify'];

function ordered(document) {
  const rest = Object.keys(document).filter((key) => !FIRST.includes(key) && key !== 'Tasks');
  const keys = [...FIRST, ...rest, 'Tasks'].filter((key) => key in document && document[key] !== '');
  return Object.fromEntries(keys.map((key) => [key, document[key]]));
}
