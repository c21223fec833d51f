/** Texts: with what was searched for marked, and long ones shortened. */
import { count } from "../lib/format.js";
import { html, useState } from "../lib/preact.js";

const CHARACTERS = 400; // of a text that is shown as a whole
const LINES = 8;

/** Show a text, in which `search` is marked. */
export function Marked({ text, search = "" }) {
  if (!search) return text;
  const parts = text.split(new RegExp(`(${search.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")})`, "gi"));
  return parts.map((part, place) => (place % 2 ? html`<mark>${part}</mark>` : part));
}

/** Show a text with its line breaks; of a long one the beginning, until the user asks for all of it. */
export function LongText({ text, search = "" }) {
  const [isWhole, setWhole] = useState(false);
  const start = beginning(text);
  const isCut = start.length < text.length && !isWhole && !search;
  return html`<span class="long-text"><${Marked} text=${isCut ? `${start}…` : text} search=${search} />${
    start.length < text.length && !search && html`${" "}<button type="button" class="quiet small"
      aria-expanded=${String(isWhole)} onClick=${() => setWhole(!isWhole)}>
      ${isWhole ? "Show less" : `Show all ${count(text.length)} characters`}</button>`}</span>`;
}

function beginning(text) {
  const lines = text.split("\n", LINES).join("\n");
  return lines.length > CHARACTERS ? lines.slice(0, CHARACTERS) : lines;
}
