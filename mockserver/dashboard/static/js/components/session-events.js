/** The events of a Realtime session in a table. */
import { count, position as positionText } from "../lib/format.js";
import { html, useEffect, useMemo, useRef, useState } from "../lib/preact.js";
import { Badge, Field } from "./basic.js";
import { Json } from "./json.js";
import { kindOf } from "./session-line.js";

const STEP = 100; // events that are shown at a time

/** Show the events whose type contains what the user types. `chosen` is the number of one that is shown as a whole. */
export function SessionEvents({ session, chosen, onChoose }) {
  const [typed, setTyped] = useState("");
  const [shown, setShown] = useState(STEP);
  const found = useMemo(
    () => [...session.events.entries()].filter(([, event]) => `${event.type}`.includes(typed.trim())),
    [session, typed],
  );
  const place = found.findIndex(([number]) => number === chosen);
  const last = Math.max(shown, place + 1);
  return html`<section class="card" aria-labelledby="events">
    <div class="row apart">
      <h2 id="events">Events</h2>
      <${Field} label="Type contains">${(id) => html`<input id=${id} type="search" value=${typed}
        onInput=${(event) => setTyped(event.currentTarget.value)} />`}</${Field}>
    </div>
    ${session.events_dropped > 0 && html`<p class="soft small">
      ${count(session.events_dropped)} older events are not kept.</p>`}
    <div class="scroll session-events" tabindex="0" role="region" aria-label="Table of events"><table>
      <thead><tr><th scope="col">Time</th><th scope="col">From</th>
        <th scope="col">Type</th><th scope="col">Content</th></tr></thead>
      <tbody>${found.slice(0, last).map(([number, event]) => html`<${Row} key=${number} event=${event}
        isChosen=${number === chosen} onChoose=${() => onChoose(number === chosen ? null : number)} />`)}</tbody>
    </table></div>
    ${found.length > last && html`<button type="button" onClick=${() => setShown(last + STEP)}>
      Show more (${count(found.length - last)} left)</button>`}
    ${!found.length && html`<p class="soft">No event has such a type.</p>`}
  </section>`;
}

function Row({ event, isChosen, onChoose }) {
  const row = useRef(null);
  useEffect(() => {
    if (isChosen) row.current.scrollIntoView({ block: "nearest" });
  }, [isChosen]);
  const { at_ms: at, direction, type, ...content } = event;
  const kind = { cut: "warn", fault: "bad" }[kindOf(type)] ?? "";
  return html`<tr ref=${row} class=${isChosen ? "chosen" : ""}>
    <td class="number">${positionText(at / 1000)}</td>
    <td>${direction === "in" ? "client" : "server"}</td>
    <td><button type="button" class="quiet name" aria-expanded=${String(isChosen)} onClick=${onChoose}>
      ${kind ? html`<${Badge} kind=${kind}>${type}</${Badge}>` : type}</button></td>
    <td>${isChosen ? html`<${Json} value=${content} />` : html`<span class="soft small">${summary(content)}</span>`}</td>
  </tr>`;
}

/** Return a few words about the content of an event. */
function summary(content) {
  if (content.seconds != null) return `${count(content.count)} × audio, ${content.seconds} s`;
  const text = content.transcript ?? content.delta ?? content.error?.message ?? content.reason;
  return typeof text === "string" ? text.slice(0, 160) : "";
}
