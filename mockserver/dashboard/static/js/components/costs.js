/** The costs of an answer of `GET /_mock/costs`, as a chart and as a table. */
import { accountName, count, dollars } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { Empty } from "./basic.js";

const SERIES = 6; // models with a colour of their own, of which the last is for all others
const BARS = 10; // accounts in the chart
const OTHERS = "other models";

/** Show the costs. */
export function Costs({ costs }) {
  if (!costs.rows.length) return html`<${Empty}>No request was answered yet.</${Empty}>`;
  return html`<div class="stack">
    <${Total} dollarsInAll=${costs.total_usd} unknown=${costs.requests_of_unknown_cost} />
    <${Chart} rows=${costs.rows} />
    <div class="scroll" tabindex="0" role="region" aria-label="Costs by account and model">
      <${Table} rows=${costs.rows} />
    </div>
  </div>`;
}

function Total({ dollarsInAll, unknown }) {
  if (dollarsInAll == null) return html`<p>No price of these requests is known.</p>`;
  const without = unknown ? `, without ${count(unknown)} request${unknown === 1 ? "" : "s"} of unknown price` : "";
  return html`<p><strong class="total">${dollars(dollarsInAll)}</strong> in all${without}.</p>`;
}

const placeOf = (row) => `${row.organization}/${row.project}`;

/** Show a bar for each of the dearest accounts, with a part for each model. The table has the same as text. */
function Chart({ rows }) {
  const known = rows.filter((row) => row.cost_usd > 0);
  if (!known.length) return null;
  const models = seriesOf(known);
  const bars = barsOf(known, models);
  const longest = bars[0].total;
  return html`<figure class="costs" aria-hidden="true">
    <ul class="legend">${models.map((model, index) => html`
      <li key=${model}><span class="key series-${index}"></span>${model}</li>`)}</ul>
    <div class="bars">
      ${bars.slice(0, BARS).map((bar) => html`
        <span class="name">${bar.name}</span>
        <${Bar} key=${bar.place} bar=${bar} longest=${longest} />
        <span class="amount">${dollars(bar.total)}</span>`)}
    </div>
    ${bars.length > BARS && html`<figcaption class="small soft">
      The ${BARS} dearest of ${count(bars.length)} accounts.</figcaption>`}
  </figure>`;
}

function Bar({ bar, longest }) {
  let from = 0;
  return html`<svg viewBox="0 0 1000 20" preserveAspectRatio="none">
    ${bar.parts.map((amount, index) => {
      const width = 1000 * amount / longest;
      from += width;
      return html`<rect key=${index} class="series-${index}" height="20" y="0" x=${from - width}
        width=${Math.max(0, width - 2)} />`;
    })}
  </svg>`;
}

/** Return the models with the highest costs, each a series of the chart. */
function seriesOf(rows) {
  const totals = new Map();
  for (const row of rows) totals.set(row.model, (totals.get(row.model) ?? 0) + row.cost_usd);
  const models = [...totals].sort((one, other) => other[1] - one[1]).map(([model]) => model);
  return models.length > SERIES ? [...models.slice(0, SERIES - 1), OTHERS] : models;
}

/** Return the accounts with the parts of their costs, the highest costs first. */
function barsOf(rows, models) {
  const bars = new Map();
  for (const row of rows) {
    const place = placeOf(row);
    const bar = bars.get(place) ?? { place, name: accountName(row), total: 0, parts: models.map(() => 0) };
    bars.set(place, bar);
    const index = models.indexOf(row.model);
    bar.parts[index < 0 ? models.length - 1 : index] += row.cost_usd;
    bar.total += row.cost_usd;
  }
  return [...bars.values()].sort((one, other) => other.total - one.total);
}

const Table = ({ rows }) => html`
  <table>
    <thead><tr>
      <th scope="col">Account</th><th scope="col">Model</th>
      <th scope="col" class="number">Requests</th><th scope="col" class="number">Tokens</th>
      <th scope="col" class="number">Seconds</th><th scope="col" class="number">Cost</th>
    </tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${`${placeOf(row)} ${row.model}`}>
      <td><code>${accountName(row)}</code></td><td><code>${row.model}</code></td>
      <td class="number">${count(row.requests)}</td><td class="number">${count(row.tokens)}</td>
      <td class="number">${count(row.seconds)}</td>
      <td class="number">${row.cost_usd == null ? "unknown" : dollars(row.cost_usd)}</td>
    </tr>`)}</tbody>
  </table>`;
