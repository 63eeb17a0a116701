// Server-sent events read by fetch: EventSource sends no Authorization, and does not tell when it last heard.
import { ApiError, address, errorOf, headers, signer } from './api.js';
import { heardTime } from './clock.js';

/** Seconds without a byte after which a stream is taken for dead; the node sends a comment every 5 s. */
const SILENT_MS = 15_000;

/**
 * Read the stream of `topics`, with `options` of tails, until it ends; `ApiError` if the node refuses it.
 * `onEvent(type, data)`, `onHeard()` for every byte,
 * `onId(id)` for the place at which a later stream goes on.
 */
export async function readStream(topics, options, lastId, { onEvent, onHeard, onId, signal }) {
  const silent = new AbortController();
  const ending = AbortSignal.any([signal, silent.signal]);
  let watchdog = setTimeout(() => silent.abort(), SILENT_MS);
  try {
    const signed = headers({ Accept: 'text/event-stream', ...(lastId && { 'Last-Event-ID': lastId }) });
    const query = new URLSearchParams({ topics: topics.map(encoded).join(','), ...options });
    const answer = await fetch(address(`events?${query}`), { headers: signed, cache: 'no-store', signal: ending });
    heardTime(answer.headers.get('Date'));
    if (!answer.ok) {
      if (answer.status === 401) signer.refused();
      throw await errorOf(answer);
    }
    onHeard();
    const take = parser(onEvent, onId);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(() => silent.abort(), SILENT_MS);
      onHeard();
      take(value);
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
    throw new ApiError(0, 'error.unreachable');
  } finally {
    clearTimeout(watchdog);
  }
}

/** Return a topic as it stands between commas: an ID may hold any letter. */
const encoded = topic => topic.replace(/[%,]/g, encodeURIComponent);

/** Return what takes pieces of text and tells whole events. */
export function parser(onEvent, onId) {
  let rest = '';
  let type = '';
  let data = [];
  let id = null;
  const line = text => {
    if (text === '') {
      if (id !== null) onId(id);
      if (data.length) onEvent(type || 'message', JSON.parse(data.join('\n')));
      type = '';
      data = [];
      id = null;
      return;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(text);
    if (field === 'event') type = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
  };
  return piece => {
    const lines = (rest + piece).split(/\r\n|\n|\r/);
    rest = lines.pop();
    lines.forEach(line);
  };
}
