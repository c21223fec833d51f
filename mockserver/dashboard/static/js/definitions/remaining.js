/** What remains of a stub or fault that is for a number of requests. */
import { Badge } from "../components/basic.js";
import * as access from "../lib/access.js";
import { count } from "../lib/format.js";
import { html } from "../lib/preact.js";

/** Show what remains of a row after `done` requests: for one account exactly, else the number for each account. */
export function Remaining({ row, done }) {
  if (!row.times) return null;
  if (!access.key() && !Object.hasOwn(row, "account")) {
    return html`<div class="small soft">${count(row.times)} for each account</div>`;
  }
  const left = Math.max(0, row.times - done);
  if (!left) return html`<div><${Badge} kind="warn">used up</${Badge}></div>`;
  return html`<div><${Badge} kind="good">${count(left)} of ${count(row.times)} left</${Badge}></div>`;
}
