/** The page `stubs`: stubs, the requests that none of them answered, and scenarios. */
import { Badge, Failure, Field } from "../components/basic.js";
import { STUB } from "../definitions/calls.js";
import { DefinitionList } from "../definitions/list.js";
import { Pattern, repliesOf } from "../definitions/pattern.js";
import { Remaining } from "../definitions/remaining.js";
import { Scenarios } from "../definitions/scenarios.js";
import { Unanswered } from "../definitions/unanswered.js";
import { count } from "../lib/format.js";
import { useJson, useNews, useThrottled } from "../lib/hooks.js";
import { html, useState } from "../lib/preact.js";

const PAUSE = 100; // milliseconds between two looks while exchanges come; a millisecond more for each stub
const CHAT = "when:\n  endpoint: chat\n  user_text: weather\nreply:\n  say: It is sunny.\n";
const FLAKY = "when:\n  endpoint: speech\nreplies:\n- error: overloaded\n- say: The second time it works.\n";
const STEP = "when:\n  endpoint: chat\nscenario: {name: order, state: started, next: ordered}\nreply:\n  say: Yes?\n";
const PATH = "when:\n  endpoint: /v1/vector_stores/{id}\n  method: DELETE\nreply:\n  json: {deleted: true}\n";
const TRANSCRIPT = "when:\n  endpoint: transcriptions\n  file: meeting*.wav\nreply:\n  text: Welcome to the meeting.\n";
const EXAMPLES = {
  "the reply of a chat": CHAT,
  "a transcript": TRANSCRIPT,
  "an error, then an answer": FLAKY,
  "a step of a scenario": STEP,
  "a path that the server does not serve": PATH,
};

/** Show the page. */
export function Page() {
  const stubs = useJson("/_mock/stubs");
  const scenarios = useJson("/_mock/scenarios");
  const [turn, setTurn] = useState(0);
  const reload = () => {
    setTurn((before) => before + 1);
    return Promise.all([stubs.reload(), scenarios.reload()]);
  };
  const look = useThrottled(reload, PAUSE + (stubs.data?.stubs.length ?? 0));
  const live = useNews({ fields: "id" }, ["stubs"], look);
  if (!stubs.data) return html`<${Failure} error=${stubs.error} />`;
  const rows = stubs.data.stubs;
  return html`<div class="stack">
    <${DefinitionList} kind=${STUB} rows=${rows} describe=${describe} counts=${counts} newText=${CHAT}
      choices=${choices} live=${live} failure=${stubs.error} reload=${reload} />
    <${Unanswered} turn=${turn} hasStubs=${rows.length > 0} />
    <${Failure} error=${scenarios.error} />
    ${scenarios.data && html`<${Scenarios} stubs=${rows} answer=${scenarios.data} reload=${scenarios.reload} />`}
  </div>`;
}

const describe = (stub) => html`
  <${Pattern} when=${stub.when} all="Every request that it can answer" />
  <p class="does"><span aria-hidden="true">→ </span><span class="visually-hidden">is answered with </span>
    ${repliesOf(stub)}</p>
  ${(stub.priority || stub.scenario) && html`<div class="row small">
    ${stub.priority && html`<${Badge}>priority ${stub.priority}</${Badge}>`}
    ${stub.scenario && html`<${Badge} kind="info">scenario ${stub.scenario.name}</${Badge}>`}
  </div>`}`;

const counts = (stub) => html`
  <strong key=${stub.used} class="hits">${count(stub.used)}</strong> ${stub.used === 1 ? "hit" : "hits"}
  <${Remaining} row=${stub} done=${stub.used} />`;

const choices = (setText) => html`<${Field} label="Begin with">${(id) => html`
  <select id=${id} onChange=${(event) => setText(EXAMPLES[event.currentTarget.value])}>
    ${Object.keys(EXAMPLES).map((title) => html`<option key=${title} value=${title}>${title}</option>`)}
  </select>`}</${Field}>`;
