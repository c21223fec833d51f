/** The scenarios of stubs, and the states that accounts have in them. */
import { Badge, Empty, Failure } from "../components/basic.js";
import { accountName } from "../lib/format.js";
import { html, useId, useState } from "../lib/preact.js";
import { setScenario } from "./calls.js";

const STARTED = "started"; // the state in which every scenario begins

/**
 * Show the scenarios that `stubs` are part of, with the states of accounts, which can be set.
 *
 * `answer` is that of `GET /_mock/scenarios`: the scenarios of one account, or those of all; `reload` reads it again.
 */
export function Scenarios({ stubs, answer, reload }) {
  const [failure, setFailure] = useState(null);
  const accounts = answer.accounts ?? [{ scenarios: answer.scenarios }];
  const scenarios = scenariosOf(stubs, accounts);
  const change = async (name, state, account) => {
    try {
      await setScenario(name, state, account);
      setFailure(null);
    } catch (error) {
      setFailure(error);
    }
    reload();
  };
  return html`<section class="card stack" aria-labelledby="scenarios">
    <h2 id="scenarios">Scenarios</h2>
    <${Failure} error=${failure} />
    ${scenarios.length === 0 && html`<${Empty}>No stub is part of a scenario.</${Empty}>`}
    ${scenarios.map((each) => html`
      <${Scenario} key=${each.name} scenario=${each} accounts=${accounts} change=${change} />`)}
  </section>`;
}

/** Return the scenarios: names, the states that are known, and the steps of stubs. */
function scenariosOf(stubs, accounts) {
  const found = new Map();
  const scenario = (name) => {
    if (!found.has(name)) found.set(name, { name, states: new Set([STARTED]), steps: [] });
    return found.get(name);
  };
  for (const stub of stubs.filter((each) => each.scenario)) {
    const { name, state, next } = stub.scenario;
    const { states, steps } = scenario(name);
    for (const each of [state, next]) if (each) states.add(each);
    steps.push({ id: stub.id, state, next });
  }
  for (const { scenarios } of accounts) {
    for (const [name, state] of Object.entries(scenarios)) scenario(name).states.add(state);
  }
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name));
}

const Scenario = ({ scenario, accounts, change }) => html`<div class="scenario">
  <h3>${scenario.name}</h3>
  <ul class="steps" aria-label="Steps">${scenario.steps.map(({ id, state, next }) => html`<li key=${id}>
    <${Badge}>${state ?? "any state"}</${Badge}> <span aria-hidden="true">→ </span>
    <span class="visually-hidden">to </span><${Badge}>${next ?? "unchanged"}</${Badge}>
    <span class="soft small"> by <code>${id}</code></span></li>`)}</ul>
  ${accounts.length === 0 && html`<p class="soft">Accounts are listed here once a stub has answered them. For
    another one, give its API key under “Account”.</p>`}
  ${accounts.map((account) => html`<${State} key=${`${account.organization}/${account.project}`}
    ...${{ scenario, account, change }} />`)}
</div>`;

function State({ scenario, account, change }) {
  const id = useId();
  const now = account.scenarios[scenario.name] ?? STARTED;
  const who = account.project ? `account ${accountName(account)}` : "this account";
  return html`<div class="row state"><label for=${id}>State of ${who}</label>
    <select id=${id} value=${now} onChange=${(event) => change(scenario.name, event.currentTarget.value, account)}>
      ${[...scenario.states].map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
    </select></div>`;
}
