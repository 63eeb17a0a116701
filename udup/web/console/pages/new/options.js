/** Step 3: what the job does and how; each option with its default, its meaning and what it costs. */
import { html, useState } from '../../core/html.js';
import { t } from '../../core/words.js';
import { Form } from '../../parts/form.js';
import { Entry } from '../../parts/form_entry.js';
import { fieldId } from '../../parts/schema.js';
import { changed, configOf, configPath, delivers, serverOf, taskOf, withConfig, withTask } from './document.js';
import { change, draft, remember } from './draft.js';

const ELSEWHERE = ['ConnectionConfig', 'OracleConfig', 'ReplicateDoDb', 'ReplicateIgnoreDb', 'MsgsLimit', 'BytesLimit'];
const OF_JOB = ['ID', 'Name', 'Type', 'EndWhen', 'Region', 'Verify', 'Tasks', 'EnforceIndex', 'JobModifyIndex'];
const OF_TARGET = ['ParallelWorkers', 'DropTableIfExists', 'Prefix', 'NatsConfig', 'KafkaConfig', 'Snapshot', 'Format'];

const putConfig = (end, changes) => change(withConfig(draft.value.document, end, changes));

export function Options({ schemas, faults }) {
  const value = draft.value;
  const sink = delivers(value.document);
  return html`<div class="stack options">
    ${sink ? html`<${Messages} value=${value} />` : html`<${Kind} value=${value} /><${Workers} value=${value} faults=${faults} />
      <${Compare} value=${value} faults=${faults} /><${Existing} value=${value} faults=${faults} />`}
    <${Begin} value=${value} faults=${faults} sink=${sink} />
    <${Rest} value=${value} schemas=${schemas} faults=${faults} /></div>`;
}

/** One question with its answers; `chosen` is one of the words. */
function Choice({ name, words, chosen, onPick, children }) {
  return html`<section class="card"><fieldset class="pad stack tight"><legend><h2>${t(`wizard.${name}`)}</h2></legend>
    ${words.map((word) => html`<label class="check" key=${word}><input type="radio" name=${name} checked=${chosen === word}
      onChange=${() => onPick(word)} />
      <span><b>${t(`wizard.${name}.${word}`)}</b>${word === words[0] && html` <span
        class="tag">${t('wizard.default')}</span>`}<br /><span class="soft small">${t(`wizard.${name}.${word}.help`)}</span>
        </span></label>`)}
    ${children}</fieldset></section>`;
}

/** Follow for ever, or end. */
function Kind({ value }) {
  const { Type, EndWhen } = value.document;
  const chosen = Type !== 'migration' ? 'follow' : EndWhen === 'finished' ? 'told' : 'level';
  const pick = (word) => change(changed(value.document, {
    Type: word === 'follow' ? 'synchronous' : 'migration',
    EndWhen: word === 'follow' ? undefined : word === 'told' ? 'finished' : 'level',
  }));
  return html`<${Choice} name="kind" words=${['follow', 'level', 'told']} chosen=${chosen} onPick=${pick} />`;
}

function Workers({ value, faults }) {
  const path = `${configPath(value.document, 'Dest')}.ParallelWorkers`;
  return html`<section class="card"><div class="pad"><${Entry} context=${{ errors: faults }}
    schema=${{ type: 'integer', default: 4 }} kind="number" name=${t('wizard.workers')}
    path=${path} value=${configOf(value.document, 'Dest').ParallelWorkers} help=${t('wizard.workers.help')}
      onChange=${(next) => putConfig('Dest', { ParallelWorkers: next })} /></div></section>`;
}

function Compare({ value, faults }) {
  const { Verify } = value.document;
  const chosen = Verify?.Mode || 'off';
  const pick = (word) => change(changed(value.document, { Verify: word === 'off' ? undefined : { ...Verify, Mode: word } }));
  const put = (next) => change(changed(value.document, { Verify: changed(Verify, { RowsPerSecond: next }) }));
  return html`<${Choice} name="verify" words=${['off', 'once', 'continuous']} chosen=${chosen} onPick=${pick}>
    ${chosen !== 'off' && html`<${Entry} context=${{ errors: faults }} schema=${{ type: 'integer', default: 0 }} kind="number"
      name=${t('wizard.verify.rate')} path="Verify.RowsPerSecond"
      value=${Verify.RowsPerSecond} help=${t('wizard.verify.rate.help')} onChange=${put} />`}<//>`;
}

/** What becomes of tables that the target has already; dropping those with rows is to be typed. */
function Existing({ value, faults }) {
  const config = configOf(value.document, 'Dest');
  const server = serverOf(value.document, 'Dest');
  const pick = (word) => {
    remember({ typed: '' });
    putConfig('Dest', { DropTableIfExists: word === 'drop' ? true : undefined });
  };
  return html`<${Choice} name="existing" words=${['fail', 'drop']} chosen=${config.DropTableIfExists ? 'drop' : 'fail'}
    onPick=${pick}>
    ${config.DropTableIfExists && html`<div class="danger-box"><p class="small">${t('wizard.drop.meaning', { server })}</p>
      <${Entry} context=${{ errors: faults }} schema=${{ type: 'string' }} kind="text" name=${t('dialog.type', { x: server })}
        path="typed" value=${value.ui.typed ?? ''} onChange=${(next) => remember({ typed: next ?? '' })} /></div>`}<//>`;
}

const NO_START = { Gtid: undefined, AutoGtid: undefined, GtidStart: undefined, BinlogFile: undefined, BinlogPos: undefined };

/** With a copy, behind a GTID set that the target has, or with what comes from now on. */
function Begin({ value, faults, sink }) {
  const config = configOf(value.document, 'Src');
  const path = configPath(value.document, 'Src');
  const other = config.GtidStart || config.BinlogFile;
  const chosen = value.ui.start || (config.Gtid ? 'gtid' : config.AutoGtid ? 'now' : other ? 'other' : 'copy');
  const pick = (word) => {
    remember({ start: word });
    putConfig('Src', { ...NO_START, ...(word === 'now' && { AutoGtid: true }) });
  };
  const words = [...(sink ? [] : ['copy']), ...(sink ? ['snapshot'] : []), 'gtid', 'now', ...(other ? ['other'] : [])];
  return html`<${Choice} name="begin" words=${words} chosen=${sink && chosen === 'copy' ? 'snapshot' : chosen} onPick=${pick}>
    ${chosen === 'gtid' && html`<${Entry} context=${{ errors: faults }} schema=${{ type: 'string' }} kind="text"
      name=${t('wizard.begin.set')} path=${`${path}.Gtid`} value=${config.Gtid}
      help=${t('wizard.begin.set.help')} onChange=${(next) => putConfig('Src', { Gtid: next })} />`}<//>`;
}

/** What the messages of a subscription are. */
function Messages({ value }) {
  const config = configOf(value.document, 'Dest');
  return html`<${Choice} name="snapshot" words=${['initial', 'never', 'only']} chosen=${config.Snapshot || 'initial'}
    onPick=${(word) => putConfig('Dest', { Snapshot: word === 'initial' ? undefined : word })} />
    <${Choice} name="format" words=${['debezium', 'flat', 'cloudevents']} chosen=${config.Format || 'debezium'}
      onPick=${(word) => putConfig('Dest', { Format: word === 'debezium' ? undefined : word })} />`;
}

/** Everything else, folded, with the help that the API gives. */
function Rest({ value, schemas, faults }) {
  const { document } = value;
  const paths = { Src: configPath(document, 'Src'), Dest: configPath(document, 'Dest') };
  const above = ['typed', `${paths.Dest}.ParallelWorkers`, ...[...ELSEWHERE, 'Gtid', 'AutoGtid'].map((key) => `${paths.Src}.${key}`)];
  const wrong = faults.some(({ field }) => field && !above.some((each) => field.startsWith(each)));
  const [isOpen, setOpen] = useState(false);
  const open = isOpen || wrong;
  const put = (end) => (next) => change(withTask(draft.value.document, end, { Config: next }));
  const of = (end, without) => ({ path: paths[end], end, without, onChange: put(end) });
  const models = { NATS: 'NatsDest', Kafka: 'KafkaDest' };
  const form = (title, name, own, more) => html`<div class="stack tight"><h3>${title}</h3><${Form} schema=${{ name, schemas }}
    value=${own} errors=${faults} only="all" ...${more} /></div>`;
  return html`<section class="card"><details class="pad form-more" open=${open}
    onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>${t('wizard.rest')}</summary>
    ${open && schemas && html`<div class="stack" id=${fieldId('rest')}>
      ${form(t('wizard.rest.job'), 'JobSpec', document, { without: OF_JOB, onChange: change })}
      ${form(t('wizard.source'), 'Config', configOf(document, 'Src'), of('Src', [...ELSEWHERE, 'Gtid', 'AutoGtid']))}
      ${form(t('wizard.target'), models[taskOf(document, 'Dest').Driver] ?? 'Config', configOf(document, 'Dest'), of('Dest', [...ELSEWHERE, ...OF_TARGET]))}</div>`}</details></section>`;
}
