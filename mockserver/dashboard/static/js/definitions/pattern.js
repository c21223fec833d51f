/** Patterns of requests and replies of stubs, in few words. */
import { html } from "../lib/preact.js";

const MOST = 160; // characters of a text

/** Show the conditions of a pattern (`when`); `all` is shown without any. */
export function Pattern({ when = {}, all = "Every request" }) {
  const conditions = Object.entries(when).flatMap(([name, wanted]) =>
    ["headers", "fields"].includes(name)
      ? Object.entries(wanted).map(([key, value]) => [`${name}.${key}`, value])
      : [[name, wanted]]);
  if (!conditions.length) return html`<p class="pattern soft">${all}</p>`;
  return html`<p class="pattern">${conditions.map(([name, wanted]) => html`
    <span class="condition" key=${name}>
      <span class="soft">${name}</span> <code>${shortened(wanted)}</code></span>`)}</p>`;
}

/** Return the replies of a stub in few words. */
export function repliesOf({ reply, replies = [reply], then }) {
  if (replies.length === 1) return replyOf(replies[0]);
  const first = replies.slice(0, 3).map(replyOf).join(", then ");
  const rest = replies.length > 3 ? `, … (${replies.length} replies)` : "";
  return first + rest + ({ loop: ", and again", fail: ", then fails" }[then] ?? "");
}

function replyOf(reply) {
  const text = reply.text ?? reply.say;
  if (reply.error) return `error ${typeof reply.error === "string" ? reply.error : reply.error.name}`;
  if (text !== undefined) return `“${shortened(text)}”`;
  if (reply.json !== undefined) return `JSON ${shortened(reply.json)}`;
  if (reply.body !== undefined) return `body ${shortened(reply.body)}`;
  if (reply.tool_calls) return `tool calls: ${reply.tool_calls.map((each) => each.name).join(", ")}`;
  if (reply.segments) return `“${shortened(reply.segments.map((each) => each.text).join(" "))}”`;
  if (reply.words) return `“${shortened(reply.words.map((each) => each.word).join(" "))}”`;
  const names = ["events", "items", "file", "base64", "audio", "job", "failure", "embedding", "flagged", "logprobs"];
  return names.filter((name) => Object.hasOwn(reply, name)).join(", ") || shortened(reply);
}

/** Return a value as a short text. */
export function shortened(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
