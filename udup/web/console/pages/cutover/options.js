// What a cut-over is asked for.

import { html, useId } from '../../core/html.js';
import { t } from '../../core/words.js';
import { Command } from '../../parts/command.js';
import { commandOf } from './steps.js';
import { quoted } from '../follow.js';

const CLOSING = [
  ['udup', { SourceReadOnly: true, WritesStopped: false }],
  ['closed', { SourceReadOnly: false, WritesStopped: false }],
  ['word', { SourceReadOnly: false, WritesStopped: true }],
  ['both', { SourceReadOnly: true, WritesStopped: true }],
];

/** The form; `onChange` gets all options each time. */
export function Options({ options, onChange }) {
  const name = useId();
  const wrong = !(options.Timeout > 0 && options.Timeout <= 3600);
  const is = (flags) => Object.entries(flags).every(([key, on]) => Boolean(options[key]) === on);
  return html`<fieldset class="choice"><legend>${t('cutover.closing_of_source')}</legend>
      ${CLOSING.map(([word, flags]) => html`<label key=${word}><input type="radio" name=${name} checked=${is(flags)}
        onChange=${() => onChange({ ...options, ...flags })} /><span><b>${t(`cutover.close.${word}`)}</b>
        <span class="soft small">${t(`cutover.close.${word}.help`)}</span></span></label>`)}
      ${!options.SourceReadOnly && html`<p class="soft small">${t('cutover.statement')}</p><${Command} text="SET GLOBAL super_read_only = ON;" />`}
    </fieldset>
    <fieldset class="choice"><legend>${t('cutover.besides')}</legend>
      ${['EnableEvents', 'Reverse'].map((key) => html`<label key=${key}><input type="checkbox" checked=${options[key]}
        onChange=${(event) => onChange({ ...options, [key]: event.currentTarget.checked })} /><span>
        <b>${t(`cutover.${key}`)}</b> <span class="soft small">${t(`cutover.${key}.help`)}</span></span></label>`)}
    </fieldset>
    <div class="field seconds"><label for=${`${name}-timeout`}>${t('cutover.Timeout')}</label>
      <input id=${`${name}-timeout`} type="number" min="1" max="3600" value=${options.Timeout} aria-invalid=${wrong}
        aria-describedby=${`${name}-help`}
        onInput=${(event) => onChange({ ...options, Timeout: event.currentTarget.valueAsNumber })} />
      <p id=${`${name}-help`} class=${wrong ? 'field-error' : 'soft small'}>${
  t(wrong ? 'cutover.Timeout.wrong' : 'cutover.Timeout.help')}</p></div>`;
}

/** The question before it begins: the switch comes without another one, so the job's ID is typed here. */
export function question(id, options) {
  const closing = CLOSING.find(([, flags]) => Object.entries(flags).every(([key, on]) => Boolean(options[key]) === on));
  const body = [
    t(`cutover.ask.${closing[0]}`),
    t('cutover.ask.switch'),
    ...(options.EnableEvents ? [t('cutover.ask.events')] : []),
    t(options.Reverse ? 'cutover.ask.reverse' : 'cutover.ask.no_reverse'),
  ];
  const command = commandOf(id, options, quoted);
  return { title: t('cutover.ask.title', { job: id }), body, danger: 'loses', type: id, command, act: t('cutover.ask.act') };
}
