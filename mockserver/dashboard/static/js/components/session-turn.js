/** A turn of a Realtime session: what was said by whom, how it ended, and its audio. */
import { count, dollars, duration, position as positionText } from "../lib/format.js";
import { html, useEffect, useRef } from "../lib/preact.js";
import { pathOf } from "./audio-panel.js";
import { Badge, Facts } from "./basic.js";
import { Json } from "./json.js";
import { Player } from "./player.js";

const KINDS = {
  completed: "good", in_progress: "info", unanswered: "warn", cancelled: "warn", incomplete: "warn", abandoned: "warn",
};

/** Show a turn, with its details if it `isOpen`. `blocks` are those of its audio. */
export function SessionTurn({ entry, turn, blocks, isOpen, onToggle }) {
  const item = useRef(null);
  useEffect(() => {
    if (isOpen) item.current.scrollIntoView({ block: "nearest" });
  }, [isOpen]);
  return html`<li ref=${item} class=${isOpen ? "chosen" : ""}>
    <button type="button" class="quiet turn" aria-expanded=${String(isOpen)} onClick=${onToggle}>
      <span class="at">${turn.turn}. ${positionText(turn.began_ms / 1000)}</span>
      <span class="talk">
        ${(turn.heard ?? turn.user_text) && html`<span class="caller">${turn.heard ?? turn.user_text}</span>`}
        ${turn.said && html`<span class="assistant">${turn.said}</span>`}
        ${turn.tools.map((tool) => html`<code>${tool.name}(${tool.arguments})</code>`)}
      </span>
      <span class="row">
        ${turn.interrupted && html`<${Badge} kind="warn">interrupted</${Badge}>`}
        <${Badge} kind=${KINDS[turn.status] ?? "bad"}>${turn.status.replaceAll("_", " ")}</${Badge}>
      </span>
    </button>
    ${isOpen && html`<${Details} entry=${entry} turn=${turn} blocks=${blocks} />`}
  </li>`;
}

/** Return the row of a file, with what was heard in it. */
const heardIn = (row, side, turn) => (side === "caller" ? { ...row, heard: row.heard ?? turn.heard } : row);

function Details({ entry, turn, blocks }) {
  const took = turn.ended_ms == null ? null : duration(turn.ended_ms - turn.began_ms);
  const speech = turn.speech.map(([from, to]) => `${positionText(from / 1000)} to ${positionText(to / 1000)}`).join(", ");
  return html`<div class="stack details">
    <${Facts} rows=${[
      ["Began", positionText(turn.began_ms / 1000)], ["Took", took], ["Caller spoke", speech],
      ["Reason", turn.reason], ["Error", turn.error], ["Fault", turn.fault && `${turn.fault.kind} (${turn.fault.id})`],
      ["Played until", turn.heard_until_ms == null ? null : positionText(turn.heard_until_ms / 1000)],
      ["Model", turn.model], ["Answered by", turn.answered_by], ["Stub", turn.stub],
      ["Tokens", turn.usage?.total_tokens == null ? null : count(turn.usage.total_tokens)],
      ["Cost", turn.cost_usd == null ? null : dollars(turn.cost_usd)], ["Instructions", turn.prompt],
    ]} />
    ${turn.tools.length > 0 && html`<${Json} value=${turn.tools} />`}
    ${blocks.map(({ key, side, file }) => html`<${Player} key=${key} kind=${side} file=${heardIn(file.row, side, turn)}
      path=${pathOf(entry, file.what, file.number)}
      name=${side === "caller" ? "What the caller said" : "What the assistant said"} />`)}
  </div>`;
}
