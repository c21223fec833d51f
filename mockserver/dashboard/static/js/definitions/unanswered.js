/** The latest requests that no stub answered, with the stubs that came close. */
import { Failure, Status } from "../components/basic.js";
import { Misses } from "../components/near-misses.js";
import { page } from "../lib/api.js";
import { time } from "../lib/format.js";
import { useJson } from "../lib/hooks.js";
import { html, useEffect, useState } from "../lib/preact.js";
import { shortened } from "./pattern.js";

const LOOKED_AT = 100; // of the latest exchanges
const SHOWN = 8;
const FIELDS = "id,time,endpoint,method,path,model,status,stub,fault,user_text,heard,in_flight";

/** Show the requests, read again whenever `turn` changes. Nothing is shown while there are no stubs. */
export function Unanswered({ turn, hasStubs }) {
  const { data, error, reload } = useJson(hasStubs ? "/_mock/journal" : null, { limit: LOOKED_AT, fields: FIELDS });
  useEffect(() => {
    if (turn) reload();
  }, [turn]);
  if (!hasStubs || !data) return html`<${Failure} error=${error} />`;
  const found = data.entries.filter((each) => each.endpoint && !each.stub && !each.fault).slice(-SHOWN).reverse();
  if (!found.length) return null;
  return html`<section class="card stack" aria-labelledby="unanswered">
    <h2 id="unanswered">Requests that no stub answered</h2>
    <div class="unanswered">${found.map((each) => html`<${Request} key=${each.id} entry=${each} />`)}</div>
  </section>`;
}

function Request({ entry }) {
  const [isOpen, setIsOpen] = useState(false);
  return html`<details onToggle=${(event) => setIsOpen(event.currentTarget.open)}>
    <summary>
      <span class="mono">${time(entry.time)}</span>
      <span>${entry.endpoint}</span>
      <${Status} status=${entry.status} inFlight=${entry.in_flight} />
      <span class="soft">${shortened(entry.user_text ?? entry.heard ?? `${entry.method} ${entry.path}`)}</span>
    </summary>
    ${isOpen && html`<${Nearest} entry=${entry} />`}
  </details>`;
}

function Nearest({ entry }) {
  const { data, error } = useJson(`/_mock/journal/${encodeURIComponent(entry.id)}/near-misses`);
  return html`<div class="stack nearest">
    <${Failure} error=${error} />
    ${data && html`<${Misses} misses=${data.near_misses} />`}
    <a href=${page("exchanges", entry.id)}>Show the exchange</a>
  </div>`;
}
