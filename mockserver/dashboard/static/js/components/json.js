/** JSON values. */
import { html } from "../lib/preact.js";

/** Show a JSON value. */
export const Json = ({ value }) => html`<pre class="json" tabindex="0">${JSON.stringify(value, null, 2)}</pre>`;
