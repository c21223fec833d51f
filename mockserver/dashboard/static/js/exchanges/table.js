/** The list of exchanges. */
import { Badge, Status } from "../components/basic.js";
import { VirtualList } from "../components/virtual-list.js";
import { page } from "../lib/api.js";
import { accountName, dollars, duration, time } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/preact.js";
import { outcomeOf } from "./store.js";

const COLUMNS = [
  ["time", "Time"], ["account", "Account"], ["endpoint", "Endpoint"], ["model", "Model"], ["status", "Status"],
  ["answer", "Answered by"], ["duration", "Duration"], ["cost", "Cost"],
];
const NARROW = "(max-width: 79rem)";
const HEIGHTS = { wide: 2.375, narrow: 4.5 }; // rem

/** Show the entries of a store; `onNearEnd` asks for older ones. */
export function Table({ store, onNearEnd }) {
  const height = useRowHeight();
  const header = COLUMNS.map(([name, title]) => html`
    <span role="columnheader" key=${name} class=${name}>${title}</span>`);
  return html`<${VirtualList} count=${store.length} height=${height} label="Exchanges, the newest first"
    header=${header} row=${(index, link) => html`<${Cells} entry=${store.at(index)} link=${link} />`}
    rowClass=${(index) => `is-${outcomeOf(store.at(index))}`} takeShift=${() => store.takeShift()}
    onNearEnd=${onNearEnd} />`;
}

function Cells({ entry, link }) {
  return html`
    <span role="cell" class="time"><a href=${page("exchanges", entry.id)} ...${link}>${time(entry.time)}</a></span>
    <span role="cell" class="account" title=${entry.project}>${accountName(entry)}</span>
    <span role="cell" class="endpoint">${entry.endpoint ?? `${entry.method} ${entry.path}`}</span>
    <span role="cell" class="model">${entry.model ?? "–"}</span>
    <span role="cell" class="status"><${Status} status=${entry.status} inFlight=${entry.in_flight} /></span>
    <span role="cell" class="answer" title=${entry.error ?? entry.answered_by}><${Answer} entry=${entry} /></span>
    <span role="cell" class="duration">${duration(entry.timing.total_ms ?? entry.timing.first_byte_ms)}</span>
    <span role="cell" class="cost">${dollars(entry.cost_usd)}</span>`;
}

function Answer({ entry }) {
  return html`
    ${entry.hung_up && html`<${Badge} kind="bad">client left</${Badge}>`}
    ${entry.fault && html`<${Badge} kind="warn" title=${entry.fault.id}>fault ${entry.fault.kind}</${Badge}>`}
    ${entry.error && html`<span class="error">${entry.error}</span>`}
    <span>${entry.error ? "" : entry.answered_by ?? ""}</span>`;
}

/** Return the height of a row in pixels, which is larger where a row has two lines. */
function useRowHeight() {
  const [isNarrow, setIsNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const query = matchMedia(NARROW);
    const change = () => setIsNarrow(query.matches);
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, []);
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return Math.round((isNarrow ? HEIGHTS.narrow : HEIGHTS.wide) * rem);
}
