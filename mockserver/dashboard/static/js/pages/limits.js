/** The page `limits`: rate limits, whose gauges drain and refill live, and costs. */
import { Empty, Failure, Field, Live } from "../components/basic.js";
import { Costs } from "../components/costs.js";
import { Gauge } from "../components/gauge.js";
import * as access from "../lib/access.js";
import { call, withQuery } from "../lib/api.js";
import { accountName, count } from "../lib/format.js";
import { useJson, useNews, useThrottled } from "../lib/hooks.js";
import { html, useState } from "../lib/preact.js";
import { later, refills } from "../lib/refill.js";
import { useServerTime } from "../lib/server-clock.js";

const TIERS = ["free", "tier-1", "tier-2", "tier-3", "tier-4", "tier-5"];
const QUEUE = "enqueued_tokens"; // batches fill and empty it, nothing else does
const TICK = 200; // milliseconds between two pictures of a bucket that refills
const SOON = 250; // milliseconds from an exchange until the buckets are read again
const MOST = 20; // accounts that are shown at first

/** Show the page. */
export function Page() {
  const [model, showModel] = useModel();
  const [refusal, setRefusal] = useState(null);
  const limits = useJson("/_mock/limits", { model });
  const costs = useJson("/_mock/costs");
  const reload = () => [limits, costs].forEach((each) => each.reload());
  const soon = useThrottled(reload, SOON);
  const live = useNews({ fields: "id" }, ["limits", "models", "clock"], soon);
  const act = async (action) => {
    try {
      await action();
      setRefusal(null);
    } catch (error) {
      setRefusal(error);
    }
    reload();
  };
  return html`<div class="stack">
    <div class="row apart">
      <${ModelField} model=${model} onChange=${showModel} />
      <div class="row"><${ForAll} act=${act} /><${Live} state=${live} /></div>
    </div>
    <${Failure} error=${refusal ?? limits.error} />
    ${limits.data && html`<${Accounts} limits=${limits.data} act=${act} />`}
    <section class="card stack" aria-labelledby="costs">
      <div class="row apart"><h2 id="costs">Costs</h2>
        <button type="button" onClick=${() => act(() => call("DELETE", "/_mock/costs"))}>Set to zero</button>
      </div>
      <${Failure} error=${costs.error} />
      ${costs.data && html`<${Costs} costs=${costs.data} />`}
    </section>
  </div>`;
}

/** Return the model of the URL, and a function that changes it. */
function useModel() {
  const [model, setModel] = useState(() => new URLSearchParams(location.search).get("model") ?? "");
  const change = (next) => {
    setModel(next);
    history.replaceState(null, "", withQuery(location.pathname, { model: next }));
  };
  return [model, change];
}

function ModelField({ model, onChange }) {
  const [typed, setTyped] = useState(model);
  const submit = (event) => {
    event.preventDefault();
    onChange(typed.trim());
  };
  return html`<form class="row model" onSubmit=${submit}>
    <${Field} label="Buckets of a model, used or not">${(id) => html`
      <input id=${id} type="search" placeholder="gpt-4o-mini" value=${typed} autocomplete="off" spellcheck=${false}
        onInput=${(event) => setTyped(event.currentTarget.value)} />`}</${Field}>
    <button type="submit">Show</button>
  </form>`;
}

/** Show what changes all accounts, or that of the chosen key. */
function ForAll({ act }) {
  const whom = access.key() ? "this account" : "all accounts";
  const move = (event) => {
    const tier = event.currentTarget.value;
    event.currentTarget.value = "";
    if (tier) act(() => change({ tier }));
  };
  return html`
    <select aria-label=${`Tier of ${whom}`} onChange=${move}>
      <option value="">Move ${whom} to…</option>
      ${TIERS.map((tier) => html`<option key=${tier} value=${tier}>${tier}</option>`)}
    </select>
    <button type="button" title="Fills all buckets and undoes changes of tiers and limits"
      onClick=${() => act(() => call("DELETE", "/_mock/limits"))}>Reset ${whom}</button>`;
}

function Accounts({ limits, act }) {
  const [most, setMost] = useState(MOST);
  const every = limits.accounts.flatMap((each) => each.groups).flatMap((group) => group.limits);
  const now = useServerTime(limits.clock, every.some(refills) ? TICK : 0);
  const passed = Math.max(0, now - limits.clock.now);
  if (!limits.accounts.length) {
    return html`<${Empty}>No account has used a rate limit yet.
      Send a request, or name an account by its API key.</${Empty}>`;
  }
  return html`
    ${limits.accounts.slice(0, most).map((account) => html`
      <${Account} key=${nameOf(account)} account=${account} now=${now} passed=${passed} act=${act} />`)}
    ${limits.accounts.length > most && html`<button type="button" onClick=${() => setMost(most + MOST)}>
      Show more of ${count(limits.accounts.length)} accounts</button>`}`;
}

const nameOf = (account) => `${account.organization}/${account.project}`;

function Account({ account, now, passed, act }) {
  const changed = (body) => act(() => change(body, account));
  const name = accountName(account);
  return html`<section class="card stack" aria-label=${`Account ${name}`}>
    <div class="row apart">
      <h2><code>${name}</code> <span class="small soft">${account.project}</span></h2>
      <div class="row">
        <label class="row small">Tier
          <select value=${account.tier} onChange=${(event) => changed({ tier: event.currentTarget.value })}>
            ${TIERS.map((tier) => html`<option key=${tier} value=${tier}>${tier}</option>`)}
          </select>
        </label>
        <button type="button" title="Fills its buckets and undoes changes of its tier and limits"
          onClick=${() => act(() => call("DELETE", "/_mock/limits", { headers: naming(account) }))}>Reset</button>
      </div>
    </div>
    ${!account.groups.length && html`<p class="soft">It has used no bucket yet.</p>`}
    ${account.groups.map((group) => html`<${Group} key=${group.group} group=${group} now=${now} passed=${passed}
      of=${`${group.group} of ${name}`} changed=${changed} />`)}
  </section>`;
}

function Group({ group, now, passed, of, changed }) {
  return html`<div class="group">
    <h3><code>${group.group}</code></h3>
    ${!group.limits.length && html`<p class="soft">The tier may not use it.</p>`}
    <div class="gauges">${group.limits.map((each) => html`
      <${Gauge} key=${each.kind} gauge=${later(each, passed)} now=${now} of=${of}>
        ${each.kind !== QUEUE && html`<${Levels} group=${group.group} gauge=${each} changed=${changed} of=${of} />`}
      </${Gauge}>`)}</div>
  </div>`;
}

/** Show the buttons that change the level of a bucket. */
function Levels({ group, gauge, changed, of }) {
  const bucket = { group, kind: gauge.kind };
  const name = `${gauge.kind.replaceAll("_", " ")}, ${of}`;
  return html`<span class="levels">
    <button type="button" class="quiet" disabled=${gauge.drained} aria-label=${`Drain ${name}`}
      onClick=${() => changed({ ...bucket, drain: true })}>Drain</button>
    <button type="button" class="quiet" aria-label=${`Fill ${name}`}
      onClick=${() => changed({ ...bucket, remaining: gauge.limit })}>Fill</button>
  </span>`;
}

/** Return the header that names an account, for callers who do not have its key. */
const naming = (account) => (account && !access.key() ? { "x-mock-account": nameOf(account) } : {});

/** Change the limits of an account; without one, those of the chosen key, or of all accounts. */
const change = (body, account = null) => call("PUT", "/_mock/limits", {
  body: JSON.stringify(body), headers: { "content-type": "application/json", ...naming(account) },
});
