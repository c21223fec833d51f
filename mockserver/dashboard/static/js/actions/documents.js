/** Documents that the user can change before they are sent. */
import * as access from "../lib/access.js";
import { parse, write } from "../lib/exact-json.js";
import { html, useLayoutEffect, useRef } from "../lib/preact.js";

/** Return a document as text to edit. */
export const written = (value) => write(value, 2);

/** Return the value of JSON text. Throws an `Error` that names the text by `label`. */
export function parsed(text, label) {
  try {
    return parse(text);
  } catch (error) {
    throw new Error(`${label}: is not JSON. ${error.message}`);
  }
}

/** Show whose requests a stub or fault applies to. */
export const Scope = () => html`<p class="soft">${access.key()
  ? "It applies to the account of the API key under “Account”."
  : "It applies to every account. To limit it to one, enter its API key under “Account”."}</p>`;

/** Show a field for JSON or a text of several lines, from its beginning. */
export function Area({ id, value, rows, onInput }) {
  const element = useRef(null);
  useLayoutEffect(() => element.current.setSelectionRange(0, 0), []);
  return html`<textarea id=${id} ref=${element} value=${value} spellcheck=${false}
    rows=${rows ?? Math.min(16, value.split("\n").length + 1)}
    onInput=${(event) => onInput(event.currentTarget.value)}></textarea>`;
}
