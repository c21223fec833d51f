/** A dialog that makes a stub of an exchange: requests like it get the same answer, or another one. */
import { Failure, Field, Notice } from "../components/basic.js";
import { Dialog } from "../components/dialog.js";
import { send } from "../lib/api.js";
import { html, useState } from "../lib/preact.js";
import { Area, parsed, Scope, written } from "./documents.js";

const MINE = "Which requests";
const REPLY = "Reply";

/** Show it; `code` is the exchange as code. `onDone` is called with what was made. */
export function AnswerDialog({ code, onDone, onClose }) {
  const { when, reply: known } = code.stub ?? { when: code.fault?.[0].when ?? {}, reply: { text: "" } };
  const words = wordsOf(known);
  const [pattern, setPattern] = useState(() => written(when));
  const [reply, setReply] = useState(() => words?.text ?? written(known));
  const [times, setTimes] = useState("");
  const [error, setError] = useState(null);
  const make = async (event) => {
    event.preventDefault();
    try {
      const answer = words ? changed(known, words, reply) : parsed(reply, REPLY);
      const stub = { when: parsed(pattern, MINE), reply: answer };
      if (times) stub.times = Number(times);
      const { id } = await send("POST", "/_mock/stubs", stub);
      onDone({ kind: "stubs", id, text: "From now on, requests like this one are answered by the stub" });
    } catch (failure) {
      setError(failure);
    }
  };
  const button = html`<button type="submit" form="answer" class="primary">Answer like this</button>`;
  const title = "Answer this from now on";
  return html`<${Dialog} title=${title} closeLabel="Cancel" onClose=${onClose} actions=${button}>
    <form id="answer" class="stack" onSubmit=${make}>
      ${code.missing.stub && html`<${Notice} kind="warn">${code.missing.stub}</${Notice}>`}
      <${Field} label=${words ? "Text of the reply" : "Reply, as JSON"}>${(id) => html`
        <${Area} id=${id} value=${reply} rows=${words ? 5 : undefined} onInput=${setReply} />`}</${Field}>
      ${known.segments && html`<p class="soft">As long as the text is not changed, the reply has its segments
        and times, too.</p>`}
      <${Field} label=${`${MINE}, as JSON: the pattern of the stub`}>${(id) => html`
        <${Area} id=${id} value=${pattern} onInput=${setPattern} />`}</${Field}>
      <${Field} label="How many requests; all if empty">${(id) => html`
        <input id=${id} type="number" min="1" step="1" value=${times}
          onInput=${(event) => setTimes(event.currentTarget.value)} />`}</${Field}>
      <${Scope} />
      <${Failure} error=${error} />
    </form>
  </${Dialog}>`;
}

/** Return the member of a reply with its words, and these as one text; `null` if there is more than words. */
function wordsOf(reply) {
  const { language, ...rest } = reply;
  const [member, ...others] = Object.keys(rest);
  if (others.length) return null;
  if (member === "text" || member === "say") return { member, text: reply[member] };
  if (member !== "segments") return null;
  return { member: "text", text: reply.segments.map((each) => each.text).join(" ") };
}

/** Return a reply with a new text; without changes, as it was. */
function changed(reply, { member, text }, typed) {
  if (typed === text) return reply;
  return { [member]: typed, ...(reply.language && { language: reply.language }) };
}
