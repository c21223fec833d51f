/** Audio to text: the form, and its answer. */
import { Field, Switch } from "../components/basic.js";
import { html, useMemo, useState } from "../lib/preact.js";
import { useJson } from "../lib/hooks.js";
import { post, streamed, useAttempt } from "./attempt.js";
import { AudioInput } from "./audio-input.js";
import { Curl, curlOfForm } from "./curl.js";
import { Heard } from "./heard.js";
import { ModelChoice, cardPath } from "./model-choice.js";
import { Outcome } from "./outcome.js";
import { readAnswer } from "./read-answer.js";

const PATHS = { transcriptions: "/v1/audio/transcriptions", translations: "/v1/audio/translations" };
const FORMATS = ["json", "text", "srt", "vtt", "verbose_json", "diarized_json"];
const PREFERRED = "gpt-4o-transcribe";
const PLACEHOLDER = "speech.wav"; // in the command, until there is a file

/** Show the form, with the models of the catalog and the API key of the requests. */
export function TranscriptionForm({ models, apiKey }) {
  const [endpoint, setEndpoint] = useState("transcriptions");
  const [given, setGiven] = useState({ format: "json", stream: true });
  const [file, setFile] = useState(null);
  const { state, start, stop } = useAttempt();
  const usable = models.filter((each) => each.endpoints.includes(PATHS[endpoint].slice(1)));
  const model = usable.find((each) => each.id === given.model) ?? usable.find((each) => each.id === PREFERRED)
    ?? usable[0];
  const { data: card } = useJson(model ? cardPath(model.id) : null);
  const change = (changes) => setGiven((before) => ({ ...before, ...changes }));
  const heard = useMemo(() => (state.answer ? readAnswer(state.answer) : null), [state.answer]);
  const fields = fieldsOf(endpoint, model, card?.transcription, given);
  const submit = (event) => {
    event.preventDefault();
    start((attempt) => send(PATHS[endpoint], apiKey, fields, file, given, attempt));
  };
  return html`<form class="stack" onSubmit=${submit}>
    <${AudioInput} file=${file} onFile=${setFile} transcript=${heard?.transcript} />
    <div class="fields">
      <${Field} label="Endpoint">${(id) => html`
        <select id=${id} value=${endpoint} onChange=${(event) => setEndpoint(event.currentTarget.value)}>
          <option value="transcriptions">Transcription</option>
          <option value="translations">Translation into English</option>
        </select>`}</${Field}>
      <${ModelChoice} models=${usable} value=${model?.id} onChange=${(name) => change({ model: name })} />
      <${FormatChoice} rules=${card?.transcription} value=${given.format} onChange=${(format) => change({ format })} />
      ${endpoint === "transcriptions" && html`<${Text} label="Language" placeholder="found by itself"
        value=${given.language} onInput=${(language) => change({ language })} />`}
      <${Text} label="Prompt" placeholder="none" value=${given.prompt} onInput=${(prompt) => change({ prompt })} />
    </div>
    <div class="row">
      <button type="submit" class="primary" disabled=${!file || state.running}>Send</button>
      ${state.running && html`<button type="button" onClick=${stop}>Stop</button>`}
      ${endpoint === "transcriptions" && html`<${Switch} label="Stream the answer" checked=${given.stream}
        onChange=${(isOn) => change({ stream: isOn })} />`}
      ${given.format === "verbose_json" && html`<${Switch} label="Times of words" checked=${given.words}
        onChange=${(isOn) => change({ words: isOn })} />`}
    </div>
    <${Outcome} state=${state} />
    ${heard && html`<${Heard} heard=${heard} answer=${state.answer} running=${state.running} />`}
    <${Curl} text=${curlOfForm(PATHS[endpoint], apiKey, fields, [["file", file?.name ?? PLACEHOLDER]])} />
  </form>`;
}

const Text = ({ label, placeholder, value = "", onInput }) => html`<${Field} label=${label}>${(id) => html`
  <input id=${id} value=${value} placeholder=${placeholder} autocomplete="off"
    onInput=${(event) => onInput(event.currentTarget.value)} />`}</${Field}>`;

/** Show all formats, those that the model refuses apart: its refusals can be tried as well. */
function FormatChoice({ rules, value, onChange }) {
  const accepted = rules?.response_formats ?? FORMATS;
  const refused = FORMATS.filter((each) => !accepted.includes(each));
  const option = (each) => html`<option key=${each} value=${each}>${each}</option>`;
  return html`<${Field} label="Response format">${(id) => html`
    <select id=${id} value=${value} onChange=${(event) => onChange(event.currentTarget.value)}>
      ${accepted.map(option)}
      ${refused.length > 0 && html`<optgroup label="Refused by this model">${refused.map(option)}</optgroup>`}
    </select>`}</${Field}>`;
}

/** Return the fields of the form as pairs, without the file. */
function fieldsOf(endpoint, model, rules, given) {
  const fields = [["model", model?.id ?? ""], ["response_format", given.format]];
  if (given.prompt) fields.push(["prompt", given.prompt]);
  if (endpoint === "translations") return fields;
  if (given.language) fields.push(["language", given.language]);
  if (given.stream) fields.push(["stream", "true"]);
  if (given.format === "verbose_json") {
    fields.push(["timestamp_granularities[]", "segment"]);
    if (given.words) fields.push(["timestamp_granularities[]", "word"]);
  }
  if (rules?.chunking_required_above != null) fields.push(["chunking_strategy", "auto"]);
  return fields;
}

async function send(path, key, fields, file, given, { signal, update }) {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append("file", file);
  const { response, exchange } = await post(path, { key, form, signal });
  update({ exchange });
  if (!response.ok) return;
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
    await readStream(response, update);
    return;
  }
  const text = await response.text();
  update({ answer: { format: given.format, text, events: null } });
}

/** Show the text while it arrives; the last event has all of it. */
async function readStream(response, update) {
  const began = performance.now();
  const events = [];
  let text = "";
  for await (const event of streamed(response)) {
    events.push({ ms: performance.now() - began, event });
    if (event.type === "transcript.text.delta") text += event.delta;
    if (event.type === "transcript.text.done") ({ text } = event);
    update({ answer: { format: "stream", text, events: [...events] } });
  }
}
