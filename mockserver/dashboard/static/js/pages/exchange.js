/** The page `exchange`: one exchange of the journal. */
import { ActionsPanel } from "../components/actions-panel.js";
import { AudioPanel, hasAudio } from "../components/audio-panel.js";
import { Failure, Live } from "../components/basic.js";
import { Measures, Summary } from "../components/exchange-facts.js";
import { Json } from "../components/json.js";
import { MessagePanel } from "../components/message-panel.js";
import { NearMisses } from "../components/near-misses.js";
import { SessionPanel } from "../components/session-panel.js";
import { StreamPanel } from "../components/stream-panel.js";
import { getExact, page } from "../lib/api.js";
import { count } from "../lib/format.js";
import { useJson, useLive, useThrottled } from "../lib/hooks.js";
import { html, useEffect } from "../lib/preact.js";

const REFRESH = 400; // milliseconds between two reads of an exchange that is in flight

/** Show the exchange with an id. While it is in flight, it is read again whenever the journal reports a change. */
export function Page({ id }) {
  const { data: entry, error, reload } = useJson(
    `/_mock/journal/${encodeURIComponent(id)}`, undefined, getExact);
  const isOpen = entry?.in_flight ?? false;
  const refresh = useThrottled(reload, REFRESH);
  const live = useLive(isOpen ? { fields: "id,in_flight" } : null, {
    onEntry: (changed) => changed.id === id && refresh(),
    onDeleted: refresh,
  });
  useEffect(() => {
    if (isOpen && live === "on") reload(); // it may have ended before
  }, [isOpen, live]);
  useHash(entry !== null);
  return html`<div class="stack exchange">
    <${Neighbours} id=${id}>${isOpen && html`<${Live} state=${live} />`}</${Neighbours}>
    <${Failure} error=${error} />
    ${entry && html`<${Exchange} entry=${entry} />`}
  </div>`;
}

function Exchange({ entry }) {
  return html`<${Contents} entry=${entry} />
    <${Summary} entry=${entry} />
    <${ActionsPanel} entry=${entry} />
    <${NearMisses} entry=${entry} />
    <${AudioPanel} entry=${entry} />
    <${SessionPanel} entry=${entry} />
    <div class="messages">
      <${MessagePanel} id="request" title="Request" body=${entry.request}
        tables=${[["Headers", entry.headers], ["Query", entry.query]]}
        texts=${[["Instructions", entry.prompt], ["User", entry.user_text], ["Heard", entry.heard]]} />
      <${MessagePanel} id="response" title="Answer" body=${entry.response}
        tables=${[["Headers", entry.response_headers]]} texts=${[["Assistant", entry.reply?.text]]}>
        <${WithoutBody} entry=${entry} />
      </${MessagePanel}>
    </div>
    ${entry.pieces && html`<${StreamPanel} entry=${entry} />`}
    <${Measures} entry=${entry} />`;
}

/** Show what an answer without a whole body said. */
function WithoutBody({ entry }) {
  if (entry.status === null) return html`<p class="soft">There was no answer.</p>`;
  if (entry.realtime) return html`<p class="soft">The answer opened a session.</p>`;
  if (!entry.pieces) return html`<p class="soft">The answer has no body.</p>`;
  return html`<div class="stack">
    <p>The answer was <a href="#pieces">streamed in ${count(entry.stream_pieces)} pieces</a>.</p>
    ${entry.reply?.tool_calls?.length > 0
      && html`<${Json} value=${entry.reply.tool_calls} label="Tool calls" />`}
  </div>`;
}

/** Show links to the parts of the page. */
function Contents({ entry }) {
  const parts = [
    hasAudio(entry) && ["audio", "Audio"], entry.realtime && ["session", "Session"], ["request", "Request"],
    ["response", "Answer"], entry.pieces && ["pieces", "Stream"], ["usage", "Timing, usage, limits"],
  ].filter(Boolean);
  return html`<nav class="row contents" aria-label="Parts of the exchange">
    ${parts.map(([name, title]) => html`<a key=${name} href=${`#${name}`}>${title}</a>`)}
  </nav>`;
}

/** Show links to the exchanges before and after, and to all of them. */
function Neighbours({ id, children }) {
  const before = useJson("/_mock/journal", { before: id, limit: 1, fields: "id" }).data?.entries[0];
  const after = useJson("/_mock/journal", { after: id, limit: 1, fields: "id" }).data?.entries[0];
  return html`<div class="row apart">
    <nav class="row" aria-label="Exchanges">
      <a href=${page("exchanges")}>All exchanges</a>
      <${Neighbour} exchange=${before} rel="prev">← Previous</${Neighbour}>
      <${Neighbour} exchange=${after} rel="next">Next →</${Neighbour}>
    </nav>
    ${children}
  </div>`;
}

/** Show a link to an exchange; without one only its text. */
const Neighbour = ({ exchange, rel, children }) => (exchange
  ? html`<a href=${page("exchanges", exchange.id)} rel=${rel}>${children}</a>`
  : html`<span class="soft">${children}</span>`);

/** Go to the part that the URL names, once the page has it. */
function useHash(isShown) {
  useEffect(() => {
    const part = isShown && location.hash && document.getElementById(location.hash.slice(1));
    if (part) {
      part.scrollIntoView();
      part.focus({ preventScroll: true });
    }
  }, [isShown]);
}
