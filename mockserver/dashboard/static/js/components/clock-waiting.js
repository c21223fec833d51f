/** What happens when the clock shows some time: work ends, webhooks are sent, buckets of limits are full. */
import { page } from "../lib/api.js";
import { accountName, dateTime, duration } from "../lib/format.js";
import { useJson, useLive, useThrottled } from "../lib/hooks.js";
import { html, useEffect } from "../lib/preact.js";
import { useServerTime } from "../lib/server-clock.js";
import { Empty, Failure, Live } from "./basic.js";

const TICK = 500; // milliseconds between two pictures of the times that are left
const SOON = 500; // milliseconds from an exchange until everything is read again
const AFTER = 0.001; // seconds by which the clock is moved past a time

/** Show a table of what waits; a change of the clock's `state` reads it again. `reread` reads the clock. */
export function Waiting({ state, change, reread }) {
  const work = useJson("/_mock/work");
  const deliveries = useJson("/_mock/webhooks/deliveries", { status: "pending" });
  const limits = useJson("/_mock/limits");
  const reload = () => [work, deliveries, limits].forEach((each) => each.reload());
  const soon = useThrottled(reload, SOON);
  const live = useLive({ fields: "id", changes: true }, {
    onEntry: soon,
    onDeleted: soon,
    onChanged(parts) {
      if (parts.includes("clock")) reread();
      if (parts.includes("limits")) soon();
    },
  });
  useEffect(soon, [state]);
  const now = useServerTime(state, TICK);
  const rows = [
    ...ofWork(work.data), ...ofDeliveries(deliveries.data), ...ofLimits(limits.data),
  ].filter((row) => row.at > now).sort((one, other) => one.at - other.at);
  return html`
    <div class="row apart"><h2 id="waiting">What waits for the clock</h2><${Live} state=${live} /></div>
    <${Failure} error=${work.error ?? deliveries.error ?? limits.error} />
    ${rows.length ? html`<div class="scroll" tabindex="0" role="region" aria-label="Times to wait for">
      <${Table} rows=${rows} now=${now} change=${change} />
    </div>` : html`<${Empty}>No work in the background, no pending webhook, and every bucket is full.</${Empty}>`}`;
}

const Table = ({ rows, now, change }) => html`
  <table>
    <thead><tr>
      <th scope="col">What</th><th scope="col">Account</th><th scope="col">When</th>
      <th scope="col" class="number">In</th><th scope="col"><span class="visually-hidden">Move</span></th>
    </tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.key}>
      <td><a href=${row.href}>${row.what}</a></td>
      <td>${row.account && html`<code>${row.account}</code>`}</td>
      <td><time>${dateTime(row.at)}</time></td>
      <td class="number">${duration((row.at - now) * 1000)}</td>
      <td><button type="button" aria-label=${`Advance to: ${row.what}`}
        onClick=${() => change({ advance: row.at - now + AFTER })}>Advance to it</button></td>
    </tr>`)}</tbody>
  </table>`;

const ofWork = (data) => (data?.work ?? [])
  .filter((each) => !each.is_finished && each.expected_end_at != null)
  .map((each) => ({
    key: each.id, what: `${each.kind.replaceAll("_", " ")} ${each.id.slice(0, 16)}… ends`, href: page("work"),
    account: accountName(each), at: each.expected_end_at,
  }));

const ofDeliveries = (data) => (data?.deliveries ?? [])
  .filter((each) => each.next_attempt_at != null)
  .map((each) => ({
    key: each.id, what: `webhook ${each.type} is sent`, href: page("work"), account: null,
    at: each.next_attempt_at,
  }));

/** Return when the buckets of each limit group are full again. */
const ofLimits = (data) => (data?.accounts ?? []).flatMap((account) => account.groups.map((group) => {
  const waiting = group.limits.filter((each) => each.reset_ms > 0 && !each.drained);
  return {
    key: `${account.organization} ${account.project} ${group.group}`, what: `limits of ${group.group} are full`,
    href: page("limits"), account: accountName(account),
    at: data.clock.now + Math.max(0, ...waiting.map((each) => each.reset_ms)) / 1000,
  };
}));
