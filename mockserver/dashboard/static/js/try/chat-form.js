/** A spoken chat: audio or text in, audio out. */
import { Field } from "../components/basic.js";
import { useJson } from "../lib/hooks.js";
import { html, useEffect, useRef, useState } from "../lib/preact.js";
import { post, streamed, useAttempt } from "./attempt.js";
import { AudioInput } from "./audio-input.js";
import { BlobPlayer } from "./blob-player.js";
import { Curl, curlOfJson } from "./curl.js";
import { ModelChoice, cardPath } from "./model-choice.js";
import { Outcome } from "./outcome.js";
import { asWav, fromBase64, joined, samplePlayer, toBase64, wavOf } from "./pcm.js";
import { Choice } from "./speech-form.js";

const PATH = "/v1/chat/completions";
const ENDPOINT = "v1/chat/completions";
const SHOWN_BASE64 = 60; // characters in the command

/** Show the chat, with the models of the catalog and the API key of the requests. */
export function ChatForm({ models, apiKey }) {
  const [turns, setTurns] = useState([]);
  const [given, setGiven] = useState({ text: "" });
  const [file, setFile] = useState(null);
  const { state, start, stop } = useAttempt();
  const usable = models.filter((each) => each.endpoints.includes(ENDPOINT) && speaks(each));
  const model = usable.find((each) => each.id === given.model) ?? usable.find((each) => !each.is_shut_down);
  const { data: card } = useJson(model ? cardPath(model.id) : null);
  const voices = card?.chat?.voices ?? [];
  const voice = voices.includes(given.voice) ? given.voice : voices[0] ?? "alloy";
  const change = (changes) => setGiven((before) => ({ ...before, ...changes }));
  const isBusy = state.running && !state.playing;
  const submit = (event) => {
    event.preventDefault();
    start(async (attempt) => {
      const mine = await turnOf(given.text, file);
      const body = bodyOf(model.id, voice, [...turns, mine]);
      attempt.update({ body });
      const live = samplePlayer();
      attempt.signal.addEventListener("abort", live.stop);
      const answer = await send(apiKey, body, live, attempt);
      if (answer) {
        setTurns((before) => [...before, mine, answer]);
        change({ text: "" });
        setFile(null);
        attempt.update({ playing: true });
      }
      await live.end();
    });
  };
  return html`<form class="stack" onSubmit=${submit}>
    <ol class="chat-turns" aria-label="Conversation">${turns.map((each) => html`<${Turn} turn=${each} />`)}
      ${isBusy && state.transcript && html`<${Turn} turn=${{ by: "assistant", text: state.transcript }} />`}
    </ol>
    <${AudioInput} file=${file} onFile=${setFile} />
    <${Field} label="Text, beside the audio or instead of it">${(id) => html`
      <textarea id=${id} rows="2" dir="auto" value=${given.text}
        onInput=${(event) => change({ text: event.currentTarget.value })} />`}</${Field}>
    <div class="fields">
      <${ModelChoice} models=${usable} value=${model?.id} onChange=${(name) => change({ model: name })} />
      <${Choice} label="Voice" value=${voice} options=${voices} onChange=${(name) => change({ voice: name })} />
    </div>
    <div class="row">
      <button type="submit" class="primary" disabled=${isBusy || !(file || given.text.trim())}>Send</button>
      ${state.running && html`<button type="button" onClick=${stop}>Stop</button>`}
      ${turns.length > 0 && html`<button type="button" onClick=${() => setTurns([])}>New conversation</button>`}
    </div>
    <${Outcome} state=${state} />
    ${state.body && html`<${Curl} text=${curlOfJson(PATH, apiKey, shortened(state.body))} />`}
  </form>`;
}

const speaks = (model) => model.modalities.audio === "input and output";

function Turn({ turn }) {
  const element = useRef(null);
  useEffect(() => element.current.scrollIntoView({ block: "nearest" }), []);
  const name = turn.by === "caller" ? "You" : "Assistant";
  return html`<li ref=${element} class="chat-turn ${turn.by}">
    ${turn.audio ? html`<${BlobPlayer} blob=${turn.audio} name=${name} kind=${turn.by} />` : html`<h2>${name}</h2>`}
    ${turn.text && html`<p>${turn.text}</p>`}
  </li>`;
}

/** Return what the user says as a turn; the API takes audio as WAV. */
async function turnOf(text, file) {
  const audio = file ? await asWav(file) : null;
  const data = audio ? toBase64(new Uint8Array(await audio.arrayBuffer())) : null;
  const content = [
    ...(text.trim() ? [{ type: "text", text: text.trim() }] : []),
    ...(data ? [{ type: "input_audio", input_audio: { data, format: "wav" } }] : []),
  ];
  return { by: "caller", text: text.trim(), audio, message: { role: "user", content } };
}

const bodyOf = (model, voice, turns) => ({
  model,
  modalities: ["text", "audio"],
  audio: { voice, format: "pcm16" },
  stream: true,
  messages: turns.map((each) => each.message),
});

/** Send the request, and play the answer while it arrives. Return it as a turn; `null` if it was refused. */
async function send(key, body, live, { signal, update }) {
  const { response, exchange } = await post(PATH, { key, json: body, signal });
  update({ exchange });
  if (!response.ok) return null;
  const pieces = [];
  let [id, text] = ["", ""];
  for await (const chunk of streamed(response)) {
    const delta = chunk.choices?.[0]?.delta ?? {};
    id ||= delta.audio?.id ?? "";
    text += delta.audio?.transcript ?? delta.content ?? "";
    if (delta.audio?.data) {
      pieces.push(fromBase64(delta.audio.data));
      live.push(pieces.at(-1));
    }
    update({ transcript: text });
  }
  const message = id ? { role: "assistant", audio: { id } } : { role: "assistant", content: text };
  return { by: "assistant", text, audio: pieces.length ? wavOf(joined(pieces)) : null, message };
}

/** Return a request with its audio shortened, for the command. */
function shortened(body) {
  return JSON.parse(JSON.stringify(body), (name, value) =>
    name === "data" && value.length > SHOWN_BASE64 ? `${value.slice(0, SHOWN_BASE64)}…` : value);
}
