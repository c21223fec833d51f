/** Buttons and fields that advance and set the clock. */
import { html, useState } from "../lib/preact.js";
import { Field } from "./basic.js";

const STEPS = {
  "1 second": 1, "20 seconds": 20, "1 minute": 60, "1 hour": 3600, "1 day": 86_400, "30 days": 2_592_000,
};
const UNITS = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };

/** Show the buttons and fields; `change(body)` sends a change of the clock, and returns whether it was made. */
export const Moves = ({ state, change }) => html`
  <div class="stack">
    <div class="row" role="group" aria-label="Steps">
      ${Object.entries(STEPS).map(([name, seconds]) => html`
        <button type="button" key=${name} onClick=${() => change({ advance: seconds })}>+ ${name}</button>`)}
    </div>
    <div class="moves"><${By} change=${change} /><${To} state=${state} change=${change} /></div>
  </div>`;

/** Show a form that moves the clock by any time, also back. */
function By({ change }) {
  const [number, setNumber] = useState("1");
  const [unit, setUnit] = useState("minutes");
  const submit = (event) => {
    event.preventDefault();
    change({ advance: Number(number) * UNITS[unit] });
  };
  return html`<form class="row" onSubmit=${submit}>
    <${Field} label="Advance by">${(id) => html`
      <span class="row"><input id=${id} type="number" step="any" required value=${number}
        title="A negative number moves it back" onInput=${(event) => setNumber(event.currentTarget.value)} />
      <select aria-label="Unit" value=${unit} onChange=${(event) => setUnit(event.currentTarget.value)}>
        ${Object.keys(UNITS).map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
      </select></span>`}</${Field}>
    <button type="submit">Advance</button>
  </form>`;
}

/** Show a form that sets the clock, in the time zone of the browser. What is typed stays until the clock is set to it. */
function To({ state, change }) {
  const [typed, setTyped] = useState(null);
  const then = typed ?? localOf(state.now);
  const submit = async (event) => {
    event.preventDefault();
    if (await change({ set: new Date(then).getTime() / 1000 })) setTyped(null);
  };
  return html`<form class="row" onSubmit=${submit}>
    <${Field} label="Set it to">${(id) => html`
      <input id=${id} type="datetime-local" step="1" required value=${then}
        onInput=${(event) => setTyped(event.currentTarget.value)} />`}</${Field}>
    <button type="submit">Set</button>
  </form>`;
}

/** Return seconds since 1970 as a field `datetime-local` has them; empty if JavaScript has no such time. */
function localOf(seconds) {
  const then = new Date(seconds * 1000);
  const local = new Date(then.getTime() - then.getTimezoneOffset() * 60_000);
  return Number.isNaN(local.getTime()) ? "" : local.toISOString().slice(0, 19);
}
