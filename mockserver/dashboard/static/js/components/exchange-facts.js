/** Facts about an exchange: who asked and who answered, its time, its usage and cost, the limits that are left. */
import { page } from "../lib/api.js";
import { accountName, bytes, count, dateTime, dollars, duration } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { Badge, Facts, Notice, Status } from "./basic.js";

/** Show what came, and what became of it. */
export function Summary({ entry }) {
  return html`<section class="card summary" aria-labelledby="summary">
    <div class="row">
      <h2 id="summary"><code>${entry.method} ${entry.path}</code></h2>
      <${Status} status=${entry.status} inFlight=${entry.in_flight} />
      ${entry.error && html`<${Badge} kind="bad">${entry.error}</${Badge}>`}
      ${entry.stub && html`<${Badge} kind="info">stub</${Badge}>`}
      ${entry.fault && html`<${Badge} kind="warn">fault</${Badge}>`}
      ${entry.hung_up && html`<${Badge} kind="warn">client left</${Badge}>`}
    </div>
    <${Outcome} entry=${entry} />
    <${Facts} rows=${[
      ["Time", dateTime(entry.time)],
      ["Account", entry.account && html`<code>${accountName(entry)}</code>`],
      ["Project", entry.project && html`${entry.organization} · ${entry.project}`],
      ["Operation", entry.operation ?? entry.endpoint],
      ["Model", entry.model],
      ["Answered by", entry.answered_by],
      ["Stub", entry.stub && html`<a href=${place("stubs", entry.stub)}>${entry.stub}</a>`],
      ["Fault", entry.fault && html`<a href=${place("faults", entry.fault.id)}>${entry.fault.id}</a>`],
      ["WebSocket", entry.connection
        && html`<a href=${page("exchanges", entry.connection)}>${entry.connection}</a>`],
      ["File", entry.audio.map((file) => file.file).filter(Boolean).join(", ")],
      ["Size of the answer", entry.realtime ? null : bytes(entry.bytes_sent)],
      ["Id", html`<code>${entry.id}</code>`],
    ]} />
  </section>`;
}

const place = (name, id) => `${page(name)}#${encodeURIComponent(id)}`;

/** Say what went wrong, if anything did. */
function Outcome({ entry }) {
  const { fault } = entry;
  const message = entry.response?.error?.message;
  return html`
    ${entry.error && html`<${Notice} kind="error">Refused with <code>${entry.error}</code>${
      message ? `: ${message}` : "."}</${Notice}>`}
    ${fault && html`<${Notice} kind="warn">The fault <code>${fault.id}</code> was applied: <code>${fault.kind}</code>${
      fault.error ? html`, error <code>${fault.error}</code>` : ""}, for the ${ordinal(fault.occasion)} time.
    </${Notice}>`}
    ${entry.hung_up && html`<${Notice} kind="warn">The client left before the answer was complete.</${Notice}>`}`;
}

function ordinal(number) {
  const ends = { one: "st", two: "nd", few: "rd", other: "th" };
  return `${number}${ends[new Intl.PluralRules("en", { type: "ordinal" }).select(number)]}`;
}

/** Show times, usage, cost and limits. */
export function Measures({ entry }) {
  return html`<div class="measures" id="usage" tabindex="-1">
    <section class="card" aria-labelledby="timing">
      <h2 id="timing">Timing</h2><${Timing} timing=${entry.timing} /></section>
    <section class="card" aria-labelledby="cost">
      <h2 id="cost">Usage and cost</h2><${Usage} entry=${entry} /></section>
    <section class="card" aria-labelledby="limits">
      <h2 id="limits">Limits</h2><${Limits} limits=${entry.limits} /></section>
  </div>`;
}

function Timing({ timing: { first_byte_ms: first, total_ms: total } }) {
  const part = first !== null && total ? Math.min(1, first / total) : null;
  return html`${part !== null && html`<div class="parts" aria-hidden="true">
      <span class="wait" style=${{ flexGrow: part }}></span>
      <span class="send" style=${{ flexGrow: 1 - part }}></span></div>`}
    <${Facts} rows=${[
      ["First byte after", duration(first)],
      ["Complete after", total === null ? "not yet" : duration(total)],
      ["Sent in", part === null ? null : duration(Math.max(0, total - first))],
    ]} />`;
}

function Usage({ entry }) {
  if (!entry.usage) return html`<p class="soft">The answer has no usage.</p>`;
  return html`${entry.cost_usd === null
      ? html`<p class="soft">The cost is unknown, because a price is missing.</p>`
      : html`<p class="amount">${dollars(entry.cost_usd)}</p>`}
    <${Facts} rows=${flat(entry.usage)} />`;
}

/** Return the names and values of nested objects; numbers that are 0 are left out. */
function flat(value, before = "") {
  return Object.entries(value).flatMap(([name, each]) => {
    const title = before + name.replaceAll("_", " ");
    if (typeof each === "object" && each !== null) return flat(each, `${title.replace(/ details$/, "")}: `);
    if (each === 0 || each === null) return [];
    return [[title, typeof each === "number" ? count(each) : String(each)]];
  });
}

const LIMIT = /^x-ratelimit-(limit|remaining|reset)-(.+)$/;

function Limits({ limits }) {
  const kinds = {};
  const others = [];
  for (const [name, value] of Object.entries(limits)) {
    const [, fact, kind] = LIMIT.exec(name) ?? [];
    if (fact) kinds[kind] = { ...kinds[kind], [fact]: value };
    else others.push([name, value]);
  }
  if (!Object.keys(limits).length) return html`<p class="soft">The answer has no headers about limits.</p>`;
  return html`${Object.entries(kinds).map(([kind, each]) => html`<div key=${kind} class="limit">
      <div class="row apart"><span>${kind.replaceAll("_", " ")}</span>
        <span>${figure(each.remaining)} of ${figure(each.limit)} left</span></div>
      <meter min="0" max=${Number(each.limit) || 1} value=${Number(each.remaining) || 0}
        aria-label=${`${kind} left`}></meter>
      ${each.reset && html`<p class="soft small">full again in ${each.reset}</p>`}</div>`)}
    <${Facts} rows=${others} />`;
}

const figure = (text) => (/^-?\d+$/.test(text ?? "") ? count(Number(text)) : text ?? "–");
