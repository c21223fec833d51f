/** The page `try`: a form to try the API. */
import { Empty } from "../components/basic.js";
import { html } from "../lib/preact.js";

/** Show the page. */
export const Page = () => html`<${Empty}>Nothing yet.</${Empty}>`;
