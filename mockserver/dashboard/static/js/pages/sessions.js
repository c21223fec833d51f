/** The page `sessions`: the Realtime sessions of the journal, with what was said in each. */
import { Badge, Empty, Failure, Live, Status } from "../components/basic.js";
import { page } from "../lib/api.js";
import { accountName, count, dateTime, dollars, duration } from "../lib/format.js";
import { useJson, useLive, useThrottled } from "../lib/hooks.js";
import { html } from "../lib/preact.js";
import { turnKind } from "../lib/session.js";

const PARTS = ["kind", "turns", "audio_in", "audio_out", "close"].map((name) => `realtime.${name}`);
const FIELDS = ["id", "time", "account", "model", "status", "in_flight", "hung_up", "cost_usd", ...PARTS].join();
const QUERY = { endpoint: "realtime", fields: FIELDS, limit: 100 };
const CHANGES = { endpoint: "realtime", fields: "id,in_flight,usage,cost_usd" }; // that call for another reading
const RELOAD = 1000; // milliseconds between two readings of the list at least
const TALK = 3; // turns whose words are shown in the list

/** Show the page. */
export function Page() {
  const { data, error, reload } = useJson("/_mock/journal", QUERY);
  const reread = useThrottled(reload, RELOAD);
  const live = useLive(CHANGES, { onEntry: reread, onDeleted: reread });
  const sessions = data?.entries.filter((each) => each.realtime).reverse() ?? [];
  return html`<div class="stack">
    <div class="row apart">
      <span class="soft">${data
        && `${count(sessions.length)} ${sessions.length === 1 ? "session" : "sessions"}, the latest first`}</span>
      <${Live} state=${live} />
    </div>
    <${Failure} error=${error} />
    ${data && !sessions.length && html`<${Empty}><p>No Realtime session yet.</p>
      <p>They appear here when a client connects to <code>/v1/realtime</code>, also by WebRTC or telephone.</p>
    </${Empty}>`}
    <ul class="sessions">${sessions.map((each) => html`<${Session} key=${each.id} entry=${each} />`)}</ul>
  </div>`;
}

function Session({ entry }) {
  const session = entry.realtime;
  const turns = session.turns.filter((each) => each.kind === turnKind(entry));
  const interrupted = turns.filter((each) => each.interrupted).length;
  return html`<li class="card">
    <div class="row apart">
      <h2><a href=${page("exchanges", entry.id)}>${dateTime(entry.time)}</a></h2>
      <div class="row">
        ${entry.in_flight ? html`<${Badge} kind="info">open</${Badge}>` : html`<${Status} status=${entry.status} />`}
        ${session.kind === "transcription" && html`<${Badge}>transcription</${Badge}>`}
        ${interrupted > 0 && html`<${Badge} kind="warn">${count(interrupted)} interrupted</${Badge}>`}
        ${entry.hung_up && html`<${Badge} kind="warn">client hung up</${Badge}>`}
        ${session.close && html`<${Badge} kind="bad">closed: ${session.close.code}</${Badge}>`}
      </div>
    </div>
    <p class="soft small">${[
      entry.model, accountName(entry), `${count(turns.length)} ${turns.length === 1 ? "turn" : "turns"}`,
      `caller ${duration(session.audio_in * 1000)}`, `assistant ${duration(session.audio_out * 1000)}`,
      entry.cost_usd == null ? "" : dollars(entry.cost_usd),
    ].filter(Boolean).join(" · ")}</p>
    <${Talk} turns=${turns} />
  </li>`;
}

/** Show the words of the latest turns. */
function Talk({ turns }) {
  const shown = turns.slice(-TALK);
  const lines = shown.flatMap((turn) => [["caller", turn.heard ?? turn.user_text], ["assistant", turn.said]]);
  return html`<ol class="talk">
    ${turns.length > TALK && html`<li class="soft small">${count(turns.length - TALK)} earlier</li>`}
    ${lines.filter(([, text]) => text).map(([side, text], number) => html`<li key=${number} class=${side}>
      <span class="visually-hidden">${side === "caller" ? "Caller: " : "Assistant: "}</span>${text}</li>`)}
  </ol>`;
}
