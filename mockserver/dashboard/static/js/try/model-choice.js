/** The choice of a model. */
import { Field } from "../components/basic.js";
import { html } from "../lib/preact.js";

/** Return the path of the card of a model, whose id may have slashes. */
export const cardPath = (id) => `/_mock/models/${id.split("/").map(encodeURIComponent).join("/")}`;

/** Show the choice of one of `models`; snapshots and models that are shut down are apart. */
export function ModelChoice({ models, value, onChange }) {
  const groups = [
    ["Models", models.filter((each) => !each.is_shut_down && each.kind !== "snapshot")],
    ["Snapshots", models.filter((each) => !each.is_shut_down && each.kind === "snapshot")],
    ["Shut down", models.filter((each) => each.is_shut_down)],
  ];
  return html`<${Field} label="Model">${(id) => html`
    <select id=${id} value=${value} onChange=${(event) => onChange(event.currentTarget.value)}>
      ${groups.filter(([, of]) => of.length).map(([title, of]) => html`<optgroup key=${title} label=${title}>
        ${of.map((each) => html`<option key=${each.id} value=${each.id}>${each.id}</option>`)}
      </optgroup>`)}
    </select>`}</${Field}>`;
}
