/** The page `models`: the catalog as a table, and the shutdown dates on a time line. */
import { Badge, Empty, Failure, Field, Switch } from "../components/basic.js";
import { Dialog } from "../components/dialog.js";
import { Json } from "../components/json.js";
import { daysUntil, ShutdownLine, utcDate } from "../components/shutdown-line.js";
import { page, withQuery } from "../lib/api.js";
import { count, date, dollars } from "../lib/format.js";
import { useJson, useLive } from "../lib/hooks.js";
import { html, useEffect, useMemo, useState } from "../lib/preact.js";
import { useServerTime } from "../lib/server-clock.js";

const KINDS = { model: "Models", snapshot: "Snapshots", custom: "Custom models", offer: "Offers of others" };
const PRICES = {
  text_input: "text in", text_output: "text out", audio_input: "audio in", audio_output: "audio out",
  image_input: "images in", cached_text_input: "cached text", cached_audio_input: "cached audio",
  cached_image_input: "cached images",
};
const SHOWN_PRICES = 4;
const MINUTE = 60_000; // milliseconds

/** Show the page. Its filters are in the URL. */
export function Page() {
  const [filters, change] = useFilters();
  const [opened, open] = useState(null);
  const { data, error, reload } = useJson("/_mock/catalog");
  useLive({ fields: "id", changes: true }, {
    onChanged: (parts) => (parts.includes("models") || parts.includes("clock")) && reload(),
  });
  const now = useServerTime(data?.clock ?? null, MINUTE);
  const found = useMemo(() => (data?.models ?? []).filter((each) => isFound(each, filters)), [data, filters]);
  if (!data) return html`<${Failure} error=${error} />`;
  return html`<div class="stack">
    <${Failure} error=${error} />
    <${ShutdownLine} models=${data.models} now=${now} chosen=${filters.date}
      onChoose=${(day) => change({ date: day })} />
    <${Filters} models=${data.models} filters=${filters} change=${change} />
    <p class="soft" role="status">${count(found.length)} of ${count(data.models.length)} models</p>
    ${found.length ? html`<${Table} models=${found} now=${now} open=${open} />`
      : html`<${Empty}>No model matches. Remove a filter.</${Empty}>`}
    ${opened && html`<${Card} model=${opened} onClose=${() => open(null)} />`}
  </div>`;
}

/** Return the filters of the URL, and a function that changes some of them. */
function useFilters() {
  const [filters, setFilters] = useState(() => Object.fromEntries(new URLSearchParams(location.search)));
  useEffect(() => {
    history.replaceState(null, "", withQuery(location.pathname, filters));
  }, [filters]);
  return [filters, (changes) => setFilters((before) => ({ ...before, ...changes }))];
}

function isFound(model, { search = "", endpoint, kind, date: day, retiring }) {
  const text = `${model.id} ${model.name} ${model.summary} ${model.limit_group} ${model.like ?? ""}`.toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word))
    && (!endpoint || model.endpoints.includes(endpoint))
    && (!kind || model.kind === kind)
    && (!day || model.shutdown_date === day)
    && (!retiring || model.shutdown_date !== null);
}

function Filters({ models, filters, change }) {
  const endpoints = useMemo(() => [...new Set(models.flatMap((each) => each.endpoints))].sort(), [models]);
  return html`<div class="row filters">
    <${Field} label="Search">${(id) => html`
      <input id=${id} type="search" value=${filters.search ?? ""} placeholder="Name, family, limit group"
        onInput=${(event) => change({ search: event.currentTarget.value })} />`}</${Field}>
    <${Choice} label="Endpoint" value=${filters.endpoint} options=${endpoints.map((each) => [each, each])}
      onChange=${(endpoint) => change({ endpoint })} />
    <${Choice} label="Kind" value=${filters.kind} options=${Object.entries(KINDS)}
      onChange=${(kind) => change({ kind })} />
    <${Switch} label="With a shutdown date" checked=${Boolean(filters.retiring)}
      onChange=${(isOn) => change({ retiring: isOn ? "1" : "" })} />
    ${filters.date && html`<button type="button" onClick=${() => change({ date: "" })}>
      Shuts down on ${filters.date} <span aria-hidden="true">×</span><span class="visually-hidden"> (remove)</span>
    </button>`}
  </div>`;
}

const Choice = ({ label, value, options, onChange }) => html`<${Field} label=${label}>${(id) => html`
  <select id=${id} value=${value ?? ""} onChange=${(event) => onChange(event.currentTarget.value)}>
    <option value="">All</option>
    ${options.map(([name, title]) => html`<option key=${name} value=${name}>${title}</option>`)}
  </select>`}</${Field}>`;

const Table = ({ models, now, open }) => html`<div class="card scroll" tabindex="0" role="region" aria-label="Models">
  <table class="models">
    <thead><tr>
      <th scope="col">Model</th><th scope="col">Endpoints</th><th scope="col">Prices</th>
      <th scope="col">Limit group</th><th scope="col">Created</th><th scope="col">Shuts down</th>
    </tr></thead>
    <tbody>${models.map((each) => html`
      <${Row} key=${`${each.provider} ${each.id}`} model=${each} now=${now} open=${open} />`)}</tbody>
  </table>
</div>`;

const Row = ({ model, now, open }) => html`<tr>
  <th scope="row">
    <button type="button" class="quiet name" onClick=${() => open(model)}><code>${model.id}</code></button>
    <div class="soft small">${origin(model)}</div>
  </th>
  <td class="endpoints">${model.endpoints.map((each) => html`
    <${Badge} key=${each}>${each.replace(/^v1\//, "")}</${Badge}> `)}</td>
  <td class="small"><${Prices} prices=${model.prices} /></td>
  <td><a href=${withQuery(page("limits"), { model: model.id })}><code>${model.limit_group}</code></a></td>
  <td class="small">${date(model.created)}</td>
  <td><${Shutdown} model=${model} now=${now} /></td>
</tr>`;

function origin(model) {
  if (model.kind === "snapshot") return `snapshot of ${model.alias_of}`;
  if (model.kind === "custom") return `custom, like ${model.like}`;
  if (model.kind === "offer") return `offer of ${model.provider}`;
  return model.snapshot === model.id ? model.name : `${model.name}, now ${model.snapshot}`;
}

function Prices({ prices }) {
  if (!prices) return html`<span class="soft">not known</span>`;
  if (prices.per_minute != null) return `${dollars(prices.per_minute)} a minute`;
  const known = Object.entries(PRICES).filter(([name]) => prices[name] != null);
  const shown = known.slice(0, SHOWN_PRICES).map(([name, words]) => `${dollars(prices[name])} ${words}`);
  return html`<span title="US dollars per million tokens">${shown.join(", ")}</span>`;
}

function Shutdown({ model, now }) {
  if (!model.shutdown_date) return html`<span class="soft">not announced</span>`;
  const days = daysUntil(model.shutdown_date, now);
  const kind = days <= 0 ? "bad" : days <= 90 ? "warn" : "info";
  const words = days > 0 ? `in ${count(days)} ${days === 1 ? "day" : "days"}` : "shut down";
  return html`<div class="small">${date(utcDate(model.shutdown_date))}</div>
    <${Badge} kind=${kind}>${words}</${Badge}>
    ${model.replacements.length > 0 && html`<div class="small">
      use <code>${model.replacements.join(", ")}</code></div>`}`;
}

/** Show everything that is known about a model. */
function Card({ model, onClose }) {
  const { data, error } = useJson(`/_mock/models/${model.id.split("/").map(encodeURIComponent).join("/")}`);
  return html`<${Dialog} title=${model.id} onClose=${onClose}>
    <p>${model.summary}</p>
    <${Failure} error=${error} />
    ${data && html`<${Json} value=${data} />`}
  </${Dialog}>`;
}
