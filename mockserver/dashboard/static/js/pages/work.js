/** The page `work`: batches, speech-to-text jobs and responses in the background, with their progress. */
import { Badge, Copy, Empty, Failure, Field, Live } from "../components/basic.js";
import * as access from "../lib/access.js";
import { page, request, withQuery } from "../lib/api.js";
import { accountName, count, dateTime, duration } from "../lib/format.js";
import { useJson, useLive, useThrottled } from "../lib/hooks.js";
import { html, useEffect, useState } from "../lib/preact.js";
import { useServerTime } from "../lib/server-clock.js";

const KINDS = { batch: "Batch", stt_job: "Speech-to-text job", response: "Response" };
const CANCEL = {
  batch: (id) => `/v1/batches/${encodeURIComponent(id)}/cancel`,
  response: (id) => `/v1/responses/${encodeURIComponent(id)}/cancel`,
};
const BAD = new Set(["failed", "error", "expired"]);
const TICK = 500; // milliseconds between two pictures of progress by the clock
const EXAMPLE = `curl ${location.origin}/v1/responses -H "Authorization: Bearer sk-mock-me" \\
  -H "x-mock-background-seconds: 20" -H "content-type: application/json" \\
  -d '{"model": "gpt-5.1", "input": "Hello.", "background": true}'`;

/** Show the page. */
export function Page() {
  const [kind, setKind] = useState("");
  const { data, error, reload } = useJson("/_mock/work");
  const soon = useThrottled(reload, TICK);
  const live = useLive({ fields: "id,method", changes: true }, {
    onEntry: (entry) => entry.method !== "GET" && soon(),
    onDeleted: soon,
    onChanged: (parts) => parts.includes("clock") && soon(),
  });
  useNextChange(data, reload);
  const now = useServerTime(data?.clock ?? null, data?.unfinished ? TICK : 0);
  const shown = data?.work.filter((each) => !kind || each.kind === kind) ?? [];
  return html`<div class="stack">
    <div class="row apart">
      <${Field} label="Kind">${(id) => html`
        <select id=${id} value=${kind} onChange=${(event) => setKind(event.currentTarget.value)}>
          <option value="">All</option>
          ${Object.entries(KINDS).map(([name, title]) => html`<option key=${name} value=${name}>${title}</option>`)}
        </select>`}</${Field}>
      <div class="row">
        ${data && html`<span class="soft">${count(data.unfinished)} of ${count(data.total)} in progress</span>`}
        <${Live} state=${live} />
      </div>
    </div>
    <${Failure} error=${error} />
    ${data && !shown.length && html`<${Nothing} kind=${kind} />`}
    <ul class="works">${shown.map((each) => html`
      <${Work} key=${each.id} work=${each} now=${now} onChange=${reload} />`)}</ul>
  </div>`;
}

/** Read again when the answer says that something has changed, and when the page is seen again. */
function useNextChange(data, reload) {
  useEffect(() => {
    const wait = data?.read_again_ms;
    const timer = wait == null ? 0 : setTimeout(() => document.hidden || reload(), wait);
    const seen = () => document.hidden || reload();
    document.addEventListener("visibilitychange", seen);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [data, reload]);
}

const Nothing = ({ kind }) => html`
  <${Empty}>
    <p>${kind ? "There is no work of this kind." : "No batch, job or response in the background yet."}</p>
    <p>This makes a response that takes 20 seconds in each of its states:</p>
    <pre class="example">${EXAMPLE}</pre>
    <${Copy} text=${EXAMPLE} />
  </${Empty}>`;

function Work({ work, now, onChange }) {
  return html`<li class="card work">
    <div class="row apart">
      <h2><span class="soft">${KINDS[work.kind]}</span> <code>${work.id}</code></h2>
      <div class="row">
        <${Badge} kind=${kindOf(work)}>${work.status.replaceAll("_", " ")}</${Badge}>
        <${Cancel} work=${work} onChange=${onChange} />
      </div>
    </div>
    <${Progress} work=${work} now=${now} />
    <dl class="across">
      <${Fact} name="Account">${accountName(work)}</${Fact}>
      <${Fact} name="Model">${work.model && html`<code>${work.model}</code>`}</${Fact}>
      <${Fact} name="Endpoint"><code>${work.endpoint}</code></${Fact}>
      <${Fact} name="Created">${dateTime(work.created_at)}</${Fact}>
      <${Fact} name=${work.is_finished ? "Ended" : "Earliest end"}>${ended(work, now)}</${Fact}>
      <${Fact} name="Journal">${work.kind === "batch" && html`<a href=${linesOf(work)}>Its lines</a>`}</${Fact}>
    </dl>
  </li>`;
}

function kindOf({ status, is_finished: isFinished }) {
  if (BAD.has(status)) return "bad";
  if (status === "cancelled") return "warn";
  return isFinished ? "good" : "info";
}

const Fact = ({ name, children }) => children && html`<div><dt>${name}</dt><dd>${children}</dd></div>`;

function ended(work, now) {
  if (work.is_finished) return work.ended_at == null ? null : dateTime(work.ended_at);
  if (work.expected_end_at == null) return "when the work is done";
  const left = Math.max(0, Math.ceil(work.expected_end_at - now));
  const words = left < 60 ? `${left} s` : duration(left * 1000);
  return `${dateTime(work.expected_end_at)}, in ${words} by the clock`;
}

const linesOf = (work) =>
  withQuery(page("exchanges"), { when: JSON.stringify({ headers: { "x-mock-batch": work.id } }) });

/** Show how far work is: by the answered lines of a batch, else by the clock; an open bar if neither is known. */
function Progress({ work, now }) {
  const { total = 0, completed = 0, failed = 0 } = work.counts ?? {};
  const label = `Progress of ${work.id}`;
  if (total) {
    const words = `${count(completed + failed)} of ${count(total)} lines`;
    return html`<div class="progress">
      <div class="bar" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax=${total}
        aria-valuenow=${completed + failed} aria-valuetext=${words}>
        <div class="done" style=${{ width: `${100 * completed / total}%` }}></div>
        <div class="failed" style=${{ width: `${100 * failed / total}%` }}></div>
      </div>
      <span>${words}${failed > 0 && html`, <strong class="bad">${count(failed)} failed</strong>`}</span>
    </div>`;
  }
  if (work.is_finished) return null;
  const time = work.expected_end_at == null ? null : work.expected_end_at - work.created_at;
  const part = time ? Math.min(1, Math.max(0, (now - work.created_at) / time)) : null;
  return html`<div class="progress">
    ${part == null ? html`<progress aria-label=${label} />` : html`<progress aria-label=${label} value=${part} />`}
    <span>${part == null ? "its time is not known" : `${Math.floor(100 * part)} % of its time`}</span>
  </div>`;
}

/** Show the button that cancels work by the ordinary API, which needs the key of its account. */
function Cancel({ work, onChange }) {
  const [refusal, setRefusal] = useState("");
  if (work.is_finished || work.status === "cancelling" || !(work.kind in CANCEL) || !access.key()) return null;
  const cancel = async () => {
    const headers = { authorization: `Bearer ${access.key()}` };
    try {
      const response = await request("POST", CANCEL[work.kind](work.id), { headers });
      const refused = response.ok ? null : await response.json().catch(() => null);
      setRefusal(response.ok ? "" : refused?.error?.message ?? `Status ${response.status}.`);
    } catch (error) {
      setRefusal(error.message);
    }
    onChange();
  };
  return html`<button type="button" onClick=${cancel}>Cancel</button>
    ${refusal && html`<span role="alert" class="small">${refusal}</span>`}`;
}
