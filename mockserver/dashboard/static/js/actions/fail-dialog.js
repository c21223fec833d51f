/** A dialog that makes a fault: the next request like an exchange fails. */
import { Failure, Field, Notice } from "../components/basic.js";
import { Dialog } from "../components/dialog.js";
import { send } from "../lib/api.js";
import { html, useState } from "../lib/preact.js";
import { Area, parsed, Scope, written } from "./documents.js";

const TITLE = "Fail the next one like this";
const WORDS = {
  rate_limit_requests: "429: too many requests",
  server_error: "500: an error of the server",
  overloaded: "503: overloaded",
  insufficient_quota: "429: the quota is used up",
  invalid_api_key: "401: the API key is wrong",
  latency: "A late answer",
  hang: "No answer, and an open connection",
  connection_reset: "A reset connection, without an answer",
  truncated_body: "Half an answer",
  malformed_json: "Malformed JSON",
  slow_drip: "A slow answer",
  sse_cut: "A stream that ends early",
  sse_error: "An error in the middle of the stream",
  sse_garble: "Malformed JSON in the stream",
  sse_no_done: "A stream without [DONE]",
  corrupt_audio: "Audio with wrong bytes",
  job_error: "A job that fails",
  realtime_failed: "A response that fails",
  realtime_error: "An error event",
  realtime_close: "A closed connection",
  realtime_silence: "No further events",
  realtime_expired: "An expired session",
};

const nameOf = (fault) => fault.error ?? fault.fault;

/** Show it; `code` is the exchange as code. `onDone` is called with what was made. */
export function FailDialog({ code, onDone, onClose }) {
  if (!code.fault) {
    return html`<${Dialog} title=${TITLE} onClose=${onClose}>
      <${Notice} kind="warn">${code.missing.fault}</${Notice}></${Dialog}>`;
  }
  return html`<${Choice} faults=${code.fault} onDone=${onDone} onClose=${onClose} />`;
}

function Choice({ faults, onDone, onClose }) {
  const [text, setText] = useState(() => written(faults[0]));
  const [error, setError] = useState(null);
  const choose = (event) => setText(written(faults[event.currentTarget.selectedIndex]));
  const make = async (event) => {
    event.preventDefault();
    try {
      const { id } = await send("POST", "/_mock/faults", parsed(text, "Fault"));
      onDone({ kind: "faults", id, text: "The next request like this one fails, by the fault" });
    } catch (failure) {
      setError(failure);
    }
  };
  const button = html`<button type="submit" form="fail" class="primary">Fail the next one</button>`;
  return html`<${Dialog} title=${TITLE} closeLabel="Cancel" onClose=${onClose} actions=${button}>
    <form id="fail" class="stack" onSubmit=${make}>
      <${Field} label="What the client gets">${(id) => html`
        <select id=${id} onChange=${choose}>
          ${faults.map(nameOf).map((name) => html`<option key=${name}>${WORDS[name] ?? name}</option>`)}
        </select>`}</${Field}>
      <${Field} label="The fault, as JSON">${(id) => html`
        <${Area} id=${id} value=${text} onInput=${setText} />`}</${Field}>
      <${Scope} />
      <${Failure} error=${error} />
    </form>
  </${Dialog}>`;
}
