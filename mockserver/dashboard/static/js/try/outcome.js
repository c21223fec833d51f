/** What the API has answered: status, headers, refusal, and the exchange in the journal. */
import { Badge, Notice, Status } from "../components/basic.js";
import { Json } from "../components/json.js";
import { page } from "../lib/api.js";
import { duration } from "../lib/format.js";
import { html } from "../lib/preact.js";

/** Show the exchange of an attempt, and why it failed; `children` are further facts. */
export function Outcome({ state, children }) {
  const { exchange, failure, running } = state;
  if (!exchange && !failure && !running) return null;
  return html`<section class="stack outcome" aria-label="Answer">
    <div class="row apart">
      <div class="row" role="status">
        ${exchange && html`<${Status} status=${exchange.status} />`}
        ${running && html`<${Badge} kind="info">${progressOf(state)}</${Badge}>`}
        ${exchange && html`<span class="soft small">answered after ${duration(exchange.ms)}</span>`}
      </div>
      ${children}
      ${exchange?.id && html`<a href=${page("exchanges", exchange.id)}>The exchange in the journal</a>`}
    </div>
    ${failure && html`<${Notice} kind="error">${failure}</${Notice}>`}
    ${exchange?.body != null && html`<${Refusal} text=${exchange.body} />`}
    ${exchange && html`<details>
      <summary>${exchange.headers.length} headers</summary>
      <dl class="facts headers">
        ${exchange.headers.map(([name, value]) => html`<dt>${name}</dt><dd class="mono">${value}</dd>`)}
      </dl>
    </details>`}
  </section>`;
}

function progressOf({ exchange, playing }) {
  if (playing) return "playing";
  return exchange ? "arriving" : "waiting";
}

function Refusal({ text }) {
  const value = parsed(text);
  const message = value?.error?.message ?? value?.message;
  return html`<div class="stack">
    ${typeof message === "string" && html`<${Notice} kind="error">${message}</${Notice}>`}
    ${value === undefined ? html`<pre>${text}</pre>` : html`<${Json} value=${value} />`}
  </div>`;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
