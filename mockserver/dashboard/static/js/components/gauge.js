/** A gauge: what remains in a bucket of a rate limit. */
import { count, date, duration, time } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { Badge } from "./basic.js";

const KINDS = {
  requests_per_minute: "Requests per minute",
  requests_per_hour: "Requests per hour",
  requests_per_day: "Requests per day",
  tokens_per_minute: "Tokens per minute",
  images_per_minute: "Images per minute",
  audio_seconds_per_minute: "Audio seconds per minute",
  enqueued_tokens: "Tokens in the batch queue",
};
const LOW = 0.2; // of the limit

/** Show a bucket at the server's time `now`, with `children` as its buttons. */
export function Gauge({ gauge, now, of, children }) {
  const title = KINDS[gauge.kind] ?? gauge.kind;
  const left = `${count(gauge.remaining)} of ${count(gauge.limit)} left`;
  const state = gauge.remaining <= 0 ? "is-empty" : gauge.level < LOW ? "is-low" : "";
  return html`<div class="gauge ${state}">
    <div class="gauge-head">
      <span>${title}</span>
      <strong>${left}</strong>
    </div>
    <div class="gauge-bar" role="meter" aria-label=${`${title}, ${of}`} aria-valuemin="0"
      aria-valuemax=${gauge.limit} aria-valuenow=${gauge.remaining} aria-valuetext=${left}>
      <div style=${{ width: `${100 * gauge.level}%` }}></div>
    </div>
    <div class="gauge-foot">
      <span class="small soft">${refill(gauge, now)}</span>
      ${gauge.drained && html`<${Badge} kind="warn">drained</${Badge}>`}
      ${!gauge.drained && state === "is-empty" && html`<${Badge} kind="bad">empty</${Badge}>`}
      ${children}
    </div>
  </div>`;
}

/** Return when a bucket is full again. */
function refill(gauge, now) {
  if (gauge.drained) return "refuses the next request, then refills";
  if (!gauge.window_seconds) return "is released when batches end";
  if (!gauge.reset_ms) return "full";
  const at = now + gauge.reset_ms / 1000;
  const day = date(at) === date(now) ? "" : `${date(at)}, `;
  return `full at ${day}${time(at).slice(0, 8)}, in ${duration(gauge.reset_ms)}`;
}
