/** The page `faults`: faults, their kinds, and what remains of them. */
import { Badge, Failure, Field } from "../components/basic.js";
import { FAULT, membersOf } from "../definitions/calls.js";
import { DefinitionList } from "../definitions/list.js";
import { Pattern, shortened } from "../definitions/pattern.js";
import { Remaining } from "../definitions/remaining.js";
import { count } from "../lib/format.js";
import { useJson, useNews, useThrottled } from "../lib/hooks.js";
import { html } from "../lib/preact.js";

const PAUSE = 100; // milliseconds between two looks while requests are hit; a millisecond more for each fault
const NEW = "error: rate_limit_requests\nretry_after: 1\ntimes: 2\nwhen:\n  endpoint: chat\n";
const SHOWN_ELSEWHERE = ["id", "name", "enabled", "error", "fault", "when", "times"];

/** Show the page. */
export function Page() {
  const faults = useJson("/_mock/faults");
  const look = useThrottled(faults.reload, PAUSE + (faults.data?.faults.length ?? 0));
  const live = useNews({ fields: "id", when: JSON.stringify({ fault: "*" }) }, ["faults"], look);
  if (!faults.data) return html`<${Failure} error=${faults.error} />`;
  return html`<${DefinitionList} kind=${FAULT} rows=${faults.data.faults} describe=${describe} counts=${counts}
    newText=${NEW} choices=${(setText) => html`<${Kinds} setText=${setText} />`} live=${live} failure=${faults.error}
    reload=${faults.reload} />`;
}

function describe(fault) {
  const parameters = Object.entries(membersOf(fault, ...SHOWN_ELSEWHERE));
  return html`
    <p class="does"><${Badge} kind="bad">${fault.fault ?? `error ${fault.error}`}</${Badge}>
      ${parameters.map(([name, value]) => html` <span class="condition" key=${name}>
        <span class="soft">${name}</span> <code>${shortened(value)}</code></span>`)}</p>
    <${Pattern} when=${fault.when} />`;
}

const counts = (fault) => html`
  <strong key=${fault.hits} class="hits">${count(fault.hits)}</strong> ${fault.hits === 1 ? "hit" : "hits"}
  <div class="small soft">of ${count(fault.seen)} seen</div>
  <${Remaining} row=${fault} done=${fault.hits} />`;

/** Show a choice of the kinds of faults, as the schema of the control API lists them. */
function Kinds({ setText }) {
  const { data, error } = useJson("/_mock/openapi.json");
  const kinds = data?.components.schemas.fault.properties.fault.enum ?? [];
  const begin = (kind) => setText(kind ? `fault: ${kind}\ntimes: 1\n` : NEW);
  return html`<${Failure} error=${error} /><${Field} label="Begin with">${(id) => html`
    <select id=${id} onChange=${(event) => begin(event.currentTarget.value)}>
      <option value="">an error of the API</option>
      ${kinds.map((kind) => html`<option key=${kind} value=${kind}>${kind}</option>`)}
    </select>`}</${Field}>`;
}
