/** The page `clock`: the server's clock, which can be frozen, moved and sped up, and what waits for it. */
import { Badge, Empty, Failure, Field } from "../components/basic.js";
import { Moves } from "../components/clock-moves.js";
import { Waiting } from "../components/clock-waiting.js";
import { send } from "../lib/api.js";
import { date, time } from "../lib/format.js";
import { useJson } from "../lib/hooks.js";
import { html, useEffect, useState } from "../lib/preact.js";
import { useServerTime } from "../lib/server-clock.js";

const TICK = 50; // milliseconds between two pictures of the time
const SPEEDS = [0.1, 1, 10, 60, 3600, 86_400];
const REAL = 2; // seconds by which real time and the clock may differ, by the way of the answer

/** Show the page. */
export function Page() {
  const clock = useJson("/_mock/clock");
  const [state, setState] = useState(null);
  const [refusal, setRefusal] = useState(null);
  useEffect(() => setState(clock.data), [clock.data]);
  useSeenAgain(clock.reload);
  const change = async (body) => {
    try {
      setState(await send("PUT", "/_mock/clock", body));
      setRefusal(null);
      return true;
    } catch (error) {
      setRefusal(error);
      return false;
    }
  };
  if (!state) return clock.error ? html`<${Failure} error=${clock.error} />` : html`<${Empty}>…</${Empty}>`;
  return html`<div class="stack">
    <${Failure} error=${refusal ?? clock.error} />
    <${Time} state=${state} change=${change} />
    <section class="card" aria-labelledby="moves"><h2 id="moves">Move it</h2>
      <${Moves} state=${state} change=${change} /></section>
    <section class="card" aria-labelledby="waiting">
      <${Waiting} state=${state} change=${change} reread=${clock.reload} /></section>
  </div>`;
}

/** Read again when the tab is seen again: others may have moved the clock. */
function useSeenAgain(reload) {
  useEffect(() => {
    const seen = () => document.hidden || reload();
    document.addEventListener("visibilitychange", seen);
    return () => document.removeEventListener("visibilitychange", seen);
  }, [reload]);
}

function Time({ state, change }) {
  const now = useServerTime(state, TICK);
  const ahead = now - Date.now() / 1000;
  const isReal = !state.frozen && state.scale === 1 && Math.abs(ahead) < REAL;
  const real = () => change({ set: Date.now() / 1000, freeze: false, scale: 1 });
  return html`<section class="card clock" aria-label="The time of the server">
    <div class="row apart">
      <p class="now">
        <time datetime=${isoOf(now)}><span class="soft">${date(now)}</span> ${time(now)}</time>
      </p>
      <p class="row">
        ${state.frozen && html`<${Badge} kind="info">frozen</${Badge}>`}
        ${state.scale !== 1 && html`<${Badge} kind="warn">× ${state.scale}</${Badge}>`}
        ${isReal && html`<${Badge} kind="good">real time</${Badge}>`}
        ${Math.abs(ahead) >= REAL && html`<span class="soft">${distance(ahead)} this computer's clock</span>`}
      </p>
    </div>
    <div class="row">
      <button type="button" class="primary" onClick=${() => change({ freeze: !state.frozen })}>
        ${state.frozen ? "Let it run" : "Freeze"}</button>
      <${Speed} scale=${state.scale} change=${change} />
      <button type="button" disabled=${isReal} onClick=${real}>Show real time</button>
    </div>
  </section>`;
}

function Speed({ scale, change }) {
  const speeds = SPEEDS.includes(scale) ? SPEEDS : [...SPEEDS, scale].sort((one, other) => one - other);
  const choose = (event) => change({ scale: Number(event.currentTarget.value) });
  return html`<${Field} label="Speed">${(id) => html`
    <select id=${id} value=${String(scale)} onChange=${choose}>
      ${speeds.map((each) => html`
        <option key=${each} value=${String(each)}>× ${each.toLocaleString("en-US")}</option>`)}
    </select>`}</${Field}>`;
}

/** Return a time of the server as ISO 8601; empty if JavaScript has no such time. */
function isoOf(now) {
  const then = new Date(now * 1000);
  return Number.isNaN(then.getTime()) ? "" : then.toISOString();
}

/** Return how far the clock is from real time, such as `2 days ahead of`. */
function distance(ahead) {
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [name, seconds] = units.find(([, each]) => Math.abs(ahead) >= each);
  const number = Math.floor(Math.abs(ahead) / seconds);
  const amount = `${number.toLocaleString("en-US")} ${name}${number === 1 ? "" : "s"}`;
  return `${amount} ${ahead > 0 ? "ahead of" : "behind"}`;
}
