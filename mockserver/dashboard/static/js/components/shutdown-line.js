/** The shutdown dates of models on a time line, relative to the server's clock. */
import { count, date } from "../lib/format.js";
import { html, useEffect, useMemo, useRef } from "../lib/preact.js";

const DAY = 86_400; // seconds
const PAST = 400 * DAY; // that are shown before now, at most
const MARGIN = 30 * DAY; // after the last date
const NEAR = 0.035; // of the width: dates that are nearer to each other are in different lanes
const SOON = 90; // days

/** Return the beginning of a date such as "2027-01-06" in UTC, in seconds since 1970. */
export const utcDate = (text) => Date.parse(`${text}T00:00:00Z`) / 1000;

/** Return the days, rounded up, until a date begins; 0 or less if it has. */
export const daysUntil = (text, now) => Math.ceil((utcDate(text) - now) / DAY);

/**
 * Show when models shut down. `now` is the server's time. `onChoose(day)` is called with the date of a mark, or with ""
 * if the mark of the date `chosen` is clicked.
 */
export function ShutdownLine({ models, now, chosen, onChoose }) {
  const days = useMemo(() => byDate(models), [models]);
  const times = days.map((each) => utcDate(each.day));
  const first = Math.max(Math.min(now - MARGIN, ...times), now - PAST);
  const last = Math.max(now + 2 * MARGIN, ...times) + MARGIN;
  const place = (time) => (time - first) / (last - first);
  const shown = inLanes(days.filter((each) => utcDate(each.day) >= first), place);
  const lanes = Math.max(1, ...shown.map((each) => each.lane + 1));
  const earlier = days.length - shown.length;
  const scroll = useRef(null);
  useEffect(() => {
    scroll.current.scrollLeft = place(now) * scroll.current.scrollWidth - scroll.current.clientWidth / 2;
  }, []);
  return html`<section class="card shutdowns" aria-labelledby="shutdowns">
    <div class="row apart"><h2 id="shutdowns">Shutdown dates</h2><${Next} days=${days} now=${now} /></div>
    <div class="scroll" ref=${scroll}><div class="time-line" style=${{ "--lanes": lanes }}>
      ${monthsOf(first, last).map((each) => html`<div key=${each.title} class="month" style=${at(place(each.time))}>
        ${each.title}</div>`)}
      <div class="now" style=${at(place(now))}><span>${date(now)}</span></div>
      ${shown.map((each) => html`<${Mark} key=${each.day} day=${each} now=${now} chosen=${chosen} onChoose=${onChoose}
        style=${{ ...at(place(utcDate(each.day))), "--lane": each.lane }} />`)}
    </div></div>
    ${earlier > 0 && html`<p class="soft small">
      ${count(earlier)} earlier ${earlier === 1 ? "date is" : "dates are"} not shown.</p>`}
  </section>`;
}

const at = (part) => ({ left: `${100 * part}%` });

function Mark({ day, now, chosen, onChoose, style }) {
  const left = daysUntil(day.day, now);
  const kind = left <= 0 ? "past" : left <= SOON ? "soon" : "later";
  const names = day.models.map((each) => each.id).join(", ");
  const when = left <= 0 ? "shut down" : `in ${count(left)} days`;
  return html`<button type="button" class="mark ${kind}" style=${style} aria-pressed=${String(chosen === day.day)}
    title=${`${day.day}, ${when}: ${names}`} aria-label=${`${day.day}, ${when}: ${count(day.models.length)} models`}
    onClick=${() => onChoose(chosen === day.day ? "" : day.day)}>${day.models.length}</button>`;
}

function Next({ days, now }) {
  const next = days.find((each) => utcDate(each.day) > now);
  if (!next) return html`<p class="soft">No model shuts down after ${date(now)}.</p>`;
  const left = daysUntil(next.day, now);
  return html`<p>Next: <strong>${date(utcDate(next.day))}</strong>, in ${count(left)} ${left === 1 ? "day" : "days"},
    ${" "}${count(next.models.length)} ${next.models.length === 1 ? "model" : "models"}</p>`;
}

/** Return the dates with their models, in order. Offers of other providers follow the models behind them. */
function byDate(models) {
  const found = new Map();
  for (const model of models) {
    if (!model.shutdown_date || model.kind === "offer") continue;
    const before = found.get(model.shutdown_date) ?? [];
    found.set(model.shutdown_date, [...before, model]);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([day, of]) => ({ day, models: of }));
}

/** Return the dates with the lowest `lane` in which none before is near. */
function inLanes(days, place) {
  const ends = [];
  return days.map((each) => {
    const here = place(utcDate(each.day));
    const free = ends.findIndex((end) => here - end >= NEAR);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = here;
    return { ...each, lane };
  });
}

/** Return the beginnings of the quarters between two times, with the years in January. */
function monthsOf(first, last) {
  const found = [];
  const month = new Date(first * 1000);
  month.setUTCDate(1);
  month.setUTCHours(0, 0, 0, 0);
  for (;;) {
    month.setUTCMonth(month.getUTCMonth() + 1);
    const time = month.getTime() / 1000;
    if (time > last) return found;
    if (month.getUTCMonth() % 3) continue;
    const name = month.toLocaleString("en-GB", { month: "short", timeZone: "UTC" });
    found.push({ time, title: month.getUTCMonth() ? name : `${name} ${month.getUTCFullYear()}` });
  }
}
