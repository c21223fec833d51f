/** Text to speech: the form, and its answer. */
import { Field, Switch } from "../components/basic.js";
import { bytes as bytesWords, duration } from "../lib/format.js";
import { html, useState } from "../lib/preact.js";
import { useJson } from "../lib/hooks.js";
import { piecesOf, post, streamed, useAttempt } from "./attempt.js";
import { BlobPlayer } from "./blob-player.js";
import { Curl, curlOfJson } from "./curl.js";
import { ModelChoice, cardPath } from "./model-choice.js";
import { Outcome } from "./outcome.js";
import { fromBase64, joined, samplePlayer, wavOf, withoutHeader } from "./pcm.js";

const PATH = "/v1/audio/speech";
const PREFERRED = "gpt-4o-mini-tts";
const TYPES = {
  mp3: "audio/mpeg", opus: "audio/ogg", aac: "audio/aac", flac: "audio/flac", wav: "audio/wav", pcm: "audio/wav",
};
const LIVE = new Set(["wav", "pcm"]); // formats that are played while they arrive

/** Show the form, with the models of the catalog and the API key of the requests. */
export function SpeechForm({ models, apiKey }) {
  const [given, setGiven] = useState({ text: "Hello world, this is a test.", format: "wav", speed: "1" });
  const { state, start, stop } = useAttempt();
  const usable = models.filter((each) => each.endpoints.includes(PATH.slice(1)));
  const model = usable.find((each) => each.id === given.model) ?? usable.find((each) => each.id === PREFERRED)
    ?? usable[0];
  const { data: card } = useJson(model ? cardPath(model.id) : null);
  const change = (changes) => setGiven((before) => ({ ...before, ...changes }));
  const voices = card?.speech?.voices ?? [];
  const body = bodyOf(model, voices, given);
  const submit = (event) => {
    event.preventDefault();
    start((attempt) => send(apiKey, body, attempt));
  };
  return html`<form class="stack" onSubmit=${submit}>
    <${Field} label="Text">${(id) => html`
      <textarea id=${id} rows="4" dir="auto" value=${given.text}
        onInput=${(event) => change({ text: event.currentTarget.value })} />`}
    </${Field}>
    <div class="fields">
      <${ModelChoice} models=${usable} value=${model?.id} onChange=${(name) => change({ model: name })} />
      <${Choice} label="Voice" value=${body.voice} options=${voices} onChange=${(voice) => change({ voice })} />
      <${Choice} label="Response format" value=${given.format} options=${Object.keys(TYPES)}
        onChange=${(format) => change({ format })} />
      <${Field} label=${`Speed: ${given.speed}`}>${(id) => html`
        <input id=${id} type="range" min="0.25" max="4" step="0.05" value=${given.speed}
          onInput=${(event) => change({ speed: event.currentTarget.value })} />`}</${Field}>
      ${card?.speech?.instructions && html`<${Field} label="Instructions">${(id) => html`
        <input id=${id} value=${given.instructions ?? ""} placeholder="none"
          onInput=${(event) => change({ instructions: event.currentTarget.value })} />`}</${Field}>`}
    </div>
    <div class="row">
      <button type="submit" class="primary" disabled=${state.running && !state.playing}>Speak</button>
      ${state.running && html`<button type="button" onClick=${stop}>Stop</button>`}
      <${Switch} label="As server-sent events" checked=${given.sse} onChange=${(sse) => change({ sse })} />
      <span class="soft small">Played ${LIVE.has(given.format) ? "while it arrives" : "when it is complete"}.</span>
    </div>
    <${Outcome} state=${state}><${Arrived} arrived=${state.arrived} /></${Outcome}>
    ${state.audio && html`<div class="card"><${BlobPlayer} blob=${state.audio} name=${state.audio.name} kind="assistant"
      autoplay=${!state.wasLive} /></div>`}
    <${Curl} text=${curlOfJson(PATH, apiKey, body, body.stream_format ? "" : `speech.${given.format}`)} />
  </form>`;
}

/** Show a choice of texts. */
export const Choice = ({ label, value, options, onChange }) => html`<${Field} label=${label}>${(id) => html`
  <select id=${id} value=${value} onChange=${(event) => onChange(event.currentTarget.value)}>
    ${options.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
  </select>`}</${Field}>`;

const Arrived = ({ arrived }) => arrived && html`<span class="soft small">
  ${bytesWords(arrived.bytes)} in ${arrived.pieces} pieces, the first after ${duration(arrived.first)}</span>`;

function bodyOf(model, voices, given) {
  return {
    model: model?.id ?? "",
    input: given.text,
    voice: voices.includes(given.voice) ? given.voice : voices[0] ?? "alloy",
    response_format: given.format,
    ...(given.speed !== "1" && { speed: Number(given.speed) }),
    ...(given.instructions && { instructions: given.instructions }),
    ...(given.sse && { stream_format: "sse" }),
  };
}

/** Send the request; play samples while they arrive, and keep the audio for the player. */
async function send(key, body, { signal, update }) {
  const format = body.response_format;
  const live = LIVE.has(format) ? samplePlayer() : null;
  signal.addEventListener("abort", () => live?.stop());
  const { response, exchange } = await post(PATH, { key, json: body, signal });
  update({ exchange, wasLive: Boolean(live) });
  if (!response.ok) return;
  const sound = format === "wav" ? withoutHeader() : (bytes) => bytes;
  const began = performance.now();
  const pieces = [];
  let arrived = null;
  for await (const piece of body.stream_format ? deltas(response) : piecesOf(response)) {
    pieces.push(piece);
    live?.push(sound(piece));
    const first = arrived?.first ?? performance.now() - began;
    arrived = { bytes: (arrived?.bytes ?? 0) + piece.length, pieces: pieces.length, first };
    update({ arrived });
  }
  const whole = joined(pieces);
  const content = format === "pcm" ? wavOf(whole) : whole;
  const name = `speech.${format === "pcm" ? "wav" : format}`;
  update({ audio: new File([content], name, { type: TYPES[format] }), playing: Boolean(live) });
  await live?.end();
}

async function* deltas(response) {
  for await (const event of streamed(response)) {
    if (event.type === "speech.audio.delta") yield fromBase64(event.audio);
  }
}
