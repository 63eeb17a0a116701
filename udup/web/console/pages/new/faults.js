/** What keeps a step from being left, and to which step a fault of the API belongs. */
import { t } from '../../core/words.js';
import { configOf, configPath, delivers, driverOf, serverOf } from './document.js';
import { isTold, lookAt } from './looks.js';

const NONE = [];
const fault = (field, problem, remedy = '') => ({ field, problem, remedy });

/** Return the faults of a step of a draft, in the order of its fields. */
export function faultsOf(step, draft) {
  const of = { servers: serverFaults, tables: tableFaults, options: optionFaults, start: startFaults }[step];
  return of ? of(draft).filter(Boolean) : NONE;
}

function serverFaults(draft) {
  return ['Src', 'Dest'].flatMap((end) => {
    const config = configOf(draft.document, end);
    const path = configPath(draft.document, end);
    return config.ConnectionConfig ? connectionFaults(draft, end, path) : sinkFaults(draft.document, config, path);
  });
}

function connectionFaults(draft, end, path) {
  const { Host, Port, User } = configOf(draft.document, end).ConnectionConfig;
  const at = (key) => `${path}.ConnectionConfig.${key}`;
  const missing = [
    !Host && fault(at('Host'), t('wizard.host.missing')),
    !(Number(Port) >= 1 && Number(Port) <= 65535) && fault(at('Port'), t('wizard.port.wrong')),
    !User && fault(at('User'), t('wizard.user.missing')),
  ].filter(Boolean);
  return missing.length || !isTold(draft, end) || draft.ui.untested?.[end] ? missing : unreachable(draft, end, path, at);
}

/** Return why a server cannot be used: its password where the server says so, else where it is. */
function unreachable(draft, end, path, at) {
  const look = lookAt(draft, end);
  if (look?.state === 'failed') return refused(look.error, path, at);
  if (look?.state !== 'told' || look.answer.Reachable) return NONE;
  const { Error: problem, Remedy: remedy } = look.answer;
  return [fault(at(/denied|password|auth/i.test(problem) ? 'Password' : 'Host'), problem, remedy)];
}

/** What was asked cannot be asked: the API names keys of the connection. A token that expired is no fault of the server's. */
function refused(error, path, at) {
  if (error.status === 401) return NONE;
  if (!error.details.length) return [fault(at('Host'), error.text)];
  return error.details.map(({ field, problem, remedy }) => fault(field ? `${path}.${field}` : at('Host'), problem, remedy));
}

function sinkFaults(document, config, path) {
  const kafka = driverOf(document, 'Dest') === 'Kafka';
  return [
    !config.Prefix && fault(`${path}.Prefix`, t('wizard.prefix.missing')),
    kafka && ![config.KafkaConfig?.Brokers].flat().some(Boolean) && fault(`${path}.KafkaConfig.Brokers`, t('wizard.brokers.missing')),
  ];
}

function tableFaults({ document, before, purpose, ui }) {
  const config = configOf(document, 'Src');
  const path = configPath(document, 'Src');
  const none = !config.ReplicateDoDb?.length && !ui.everything;
  const same = purpose === 'add' && JSON.stringify(config) === JSON.stringify(configOf(before, 'Src'));
  return [none && fault(`${path}.ReplicateDoDb`, t('wizard.tables.none')), same && fault(`${path}.ReplicateDoDb`, t('wizard.tables.same'))];
}

function optionFaults({ document, ui }) {
  const source = configOf(document, 'Src');
  const target = configOf(document, 'Dest');
  const workers = target.ParallelWorkers;
  const isNumber = workers === undefined || (Number.isInteger(workers) && workers >= 0 && workers <= 64);
  return [
    !isNumber && fault(`${configPath(document, 'Dest')}.ParallelWorkers`, t('wizard.workers.wrong')),
    ui.start === 'gtid' && !source.Gtid && fault(`${configPath(document, 'Src')}.Gtid`, t('wizard.gtid.missing')),
    !delivers(document) && target.DropTableIfExists && ui.typed?.trim() !== serverOf(document, 'Dest')
      && fault('typed', t('wizard.drop.typed', { x: serverOf(document, 'Dest') })),
  ];
}

function startFaults({ document }) {
  return [
    !document.Name?.trim() && fault('Name', t('wizard.name.missing')),
    (!document.ID || /\s/.test(document.ID)) && fault('ID', t('wizard.id.wrong')),
  ];
}

/** Return the step that asks for what a fault of the API is about. */
export function stepOf(field = '') {
  if (/ReplicateDoDb|ReplicateIgnoreDb/.test(field)) return 'tables';
  if (/ConnectionConfig|OracleConfig|NatsConfig|KafkaConfig|Prefix|Driver/.test(field)) return 'servers';
  return /^(Name|ID)$/.test(field) ? 'start' : 'options';
}
