/** The stubs that nearly matched the request of an exchange. */
import { page } from "../lib/api.js";
import { useJson } from "../lib/hooks.js";
import { html } from "../lib/preact.js";
import { Badge, Failure, Notice } from "./basic.js";

/** Show it; `entry` is that of the journal. Nothing is shown if no stub is for such requests. */
export function NearMisses({ entry }) {
  const { data, error } = useJson(`/_mock/journal/${encodeURIComponent(entry.id)}/near-misses`);
  if (!data) return html`<${Failure} error=${error} />`;
  const isRefused = data.refusal !== null;
  const misses = data.near_misses.filter((miss) => isRefused || !miss.differences.some(isOfEndpoint));
  if (!misses.length && !isRefused) return null;
  return html`<section class="card near-misses" aria-label="Near misses">
    <details open=${isRefused}>
      <summary><h2>Near misses</h2> <span class="soft">${hint(entry)}</span></summary>
      <div class="stack">
        ${isRefused && html`<${Notice} kind="warn">${data.refusal}</${Notice}>`}
        <${Misses} misses=${misses} />
      </div>
    </details>
  </section>`;
}

/** Show stubs with their differences from a request. */
export const Misses = ({ misses }) => html`
  <ul class="misses">${misses.map((miss) => html`<${Miss} key=${miss.stub} miss=${miss} />`)}</ul>`;

function Miss({ miss: { stub, name, source, differences } }) {
  return html`<li>
    <div class="row">
      <a href=${`${page("stubs")}#${encodeURIComponent(stub)}`}>${stub}</a>
      ${name && html`<span>${name}</span>`}
      ${source && html`<code class="soft">${source}</code>`}
      <${Badge} kind=${differences.length ? "" : "info"}>${inWords(differences.length)}</${Badge}>
    </div>
    ${differences.length > 0 && html`<ul>
      ${differences.map((each) => html`<${Difference} key=${each} text=${each} />`)}</ul>`}
  </li>`;
}

/** Show a difference such as `user_text: wanted /morning/, got 'Good evening.'`. */
function Difference({ text }) {
  const [, condition, rest] = /^(\w+): (.*)$/s.exec(text) ?? [null, "", text];
  return html`<li>${condition && html`<code>${condition}</code> `}${rest}</li>`;
}

const isOfEndpoint = (difference) => difference.startsWith("endpoint:");
const hint = (entry) =>
  (entry.stub ? "other stubs for such requests" : "stubs for such requests, and why they did not answer");

function inWords(count) {
  if (count === 0) return "would answer now";
  return count === 1 ? "1 difference" : `${count} differences`;
}
