/** An editor of YAML with line numbers, which shows an error at its line. */
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "../lib/preact.js";

const INDENT = "  ";

/**
 * Show an editor of a text. `error` is `{line, column, message}`, of which lines count from 1, or null.
 *
 * The cursor is set to an error when it appears. Enter keeps the indentation, Control and Enter call `onSubmit`.
 */
export function YamlEditor({ value, label, error = null, readOnly = false, onInput = () => {}, onSubmit = () => {} }) {
  const id = useId();
  const area = useRef(null);
  const [top, setTop] = useState(0);
  const lines = value.split("\n").length;
  useEffect(() => {
    if (error?.line) select(area.current, error);
  }, [error]);
  useLayoutEffect(() => setTop(area.current.scrollTop), [value, error]);
  const press = (event) => {
    if (event.key !== "Enter") return;
    if (event.ctrlKey || event.metaKey) onSubmit();
    else indent(event);
  };
  return html`<div class="yaml-editor" style=${{ "--scrolled": `${top}px`, "--wrong": error?.line ?? 0 }}>
    <div class="numbers" aria-hidden="true"><div>${numbers(lines, error?.line)}</div></div>
    <div class="text">
      ${error?.line && html`<div class="wrong"></div>`}
      <textarea ref=${area} aria-label=${label} value=${value} readonly=${readOnly} wrap="off" spellcheck=${false}
        autocomplete="off" autocapitalize="off" rows="16" aria-invalid=${String(Boolean(error))}
        aria-describedby=${error ? id : undefined} onKeyDown=${readOnly ? undefined : press}
        onInput=${(event) => onInput(event.currentTarget.value)}
        onScroll=${(event) => setTop(event.currentTarget.scrollTop)}></textarea>
      ${error?.line && html`<p class="at-line" id=${id} role="alert">
        <span class="visually-hidden">Line ${error.line}, column ${error.column}: </span>${error.message}</p>`}
    </div>
  </div>`;
}

const numbers = (count, wrong) => Array.from({ length: count }, (_, index) => html`
  <div key=${index} class=${index + 1 === wrong ? "bad" : ""}>${index + 1}</div>`);

/** Set the cursor to a line and column, and scroll there. */
function select(area, { line, column }) {
  const before = area.value.split("\n").slice(0, line - 1).join("\n");
  const start = before.length + (line > 1 ? 1 : 0) + column - 1;
  area.focus();
  area.setSelectionRange(start, start);
  const height = area.scrollHeight / area.value.split("\n").length;
  area.scrollTop = Math.max(0, (line - 4) * height);
}

/** Begin the next line below the beginning of this one, or further in after a colon. */
function indent(event) {
  const { value, selectionStart } = event.currentTarget;
  const line = value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
  const own = /^ */.exec(line)[0] + (line.trimEnd().endsWith(":") ? INDENT : "");
  if (!own) return;
  event.preventDefault();
  document.execCommand("insertText", false, `\n${own}`); // the only way that can be undone by the keyboard
}
