/** Small components that several pages use. */
import { copyText } from "../lib/clipboard.js";
import { html, useEffect, useId, useState } from "../lib/preact.js";

/** Show a short fact. `kind` is `good`, `warn`, `bad`, `info` or empty. */
export const Badge = ({ kind = "", title, children }) =>
  html`<span class="badge ${kind}" title=${title}>${children}</span>`;

/** Show the status of an answer; `null` if there was none. */
export function Status({ status, inFlight = false }) {
  if (inFlight) return html`<${Badge} kind="info">in flight</${Badge}>`;
  if (status == null) return html`<${Badge} kind="bad">no answer</${Badge}>`;
  return html`<${Badge} kind=${status >= 500 ? "bad" : status >= 400 ? "warn" : "good"}>${status}</${Badge}>`;
}

/** Show a message in a box. `kind` is `good`, `warn`, `error` or empty; an error is announced. */
export const Notice = ({ kind = "", children }) =>
  html`<div class="notice ${kind}" role=${kind === "error" ? "alert" : undefined}>${children}</div>`;

/** Show the message of a failed call, if there is one. */
export const Failure = ({ error }) => error && html`<${Notice} kind="error">${error.message}</${Notice}>`;

/** Show that there is nothing, and what to do. */
export const Empty = ({ children }) => html`<div class="empty">${children}</div>`;

/** Show a control with its label: an element of `children` that takes the `id`, as a function of it. */
export function Field({ label, children }) {
  const id = useId();
  return html`<div class="field"><label for=${id}>${label}</label>${children(id)}</div>`;
}

/** Show a switch that calls `onChange(checked)`. */
export const Switch = ({ checked, label, hideLabel = false, disabled = false, onChange }) => html`
  <label class="switch">
    <input type="checkbox" role="switch" checked=${checked} disabled=${disabled}
      onChange=${(event) => onChange(event.currentTarget.checked)} />
    <span class=${hideLabel ? "visually-hidden" : ""}>${label}</span>
  </label>`;

/** Show a button that copies `text`. */
export function Copy({ text, label = "Copy" }) {
  const [outcome, setOutcome] = useState("");
  useEffect(() => {
    if (!outcome) return undefined;
    const timer = setTimeout(() => setOutcome(""), 2000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => setOutcome((await copyText(text)) ? "Copied" : "Not copied");
  return html`<button type="button" class="quiet" onClick=${copy}>
    ${outcome || label}<span class="visually-hidden" role="status">${outcome}</span>
  </button>`;
}

/** Show names and values: `[[name, value], …]`, without those whose value is null. */
export const Facts = ({ rows }) => html`
  <dl class="facts">
    ${rows.filter(([, value]) => value != null && value !== "").map(([name, value]) => html`
      <dt>${name}</dt><dd>${value}</dd>`)}
  </dl>`;

/** Show whether live events arrive. */
export const Live = ({ state }) => {
  const words = {
    on: "live", off: "connection lost", paused: "paused", failed: "not live: the conditions take too long",
  };
  return html`<span class="live ${state}" role="status">${words[state]}</span>`;
};
