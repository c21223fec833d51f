/** The page `exchanges`: live exchanges, those of a filter, the newest first. */
import { Empty, Failure, Live, Notice } from "../components/basic.js";
import { Dialog } from "../components/dialog.js";
import { Filters } from "../exchanges/filters.js";
import { FIELDS, changed, filterOf, isSame, queryOf, withCondition } from "../exchanges/query.js";
import { Store } from "../exchanges/store.js";
import { Table } from "../exchanges/table.js";
import * as access from "../lib/access.js";
import { get, send, withQuery } from "../lib/api.js";
import { count, dollars } from "../lib/format.js";
import { useLive, useThrottled } from "../lib/hooks.js";
import { html, useEffect, useMemo, useReducer, useRef, useState } from "../lib/preact.js";

const FIRST = 200; // exchanges read at first
const MORE = 1000; // exchanges read when the end comes near
const RELOAD = 800; // milliseconds at least between two readings after events that call for one

/** Show the page. */
export function Page() {
  const [filter, setFilter] = useFilter();
  const [paused, setPaused] = useState(false);
  const list = useExchanges(filter);
  const { store } = list;
  const pause = () => {
    store.pause(!paused);
    setPaused(!paused);
    if (store.isOutdated) list.reload();
  };
  return html`<div class="exchanges">
    <${Filters} filter=${filter} onChange=${setFilter} />
    <div class="row apart bar">
      <${Totals} store=${store} filter=${filter} onChange=${setFilter} />
      <div class="row">
        <${Live} state=${paused ? "paused" : list.state} />
        <button type="button" aria-pressed=${String(paused)} onClick=${pause}>${paused
          ? `Resume${store.held?.size ? ` (${count(store.held.size)} new)` : ""}` : "Pause"}</button>
        <${Clear} onCleared=${list.reload} />
      </div>
    </div>
    <${Failure} error=${list.error} />
    ${list.isRead && (store.length
      ? html`<${Table} store=${store} onNearEnd=${list.readOlder} />`
      : !list.error && html`<${Nothing} filter=${filter} />`)}
  </div>`;
}

/** Return the filter in the URL of the page, and a function that changes both. */
function useFilter() {
  const [filter, setFilter] = useState(() => filterOf(location.search));
  useEffect(() => {
    const onBack = () => setFilter(filterOf(location.search));
    window.addEventListener("popstate", onBack);
    return () => window.removeEventListener("popstate", onBack);
  }, []);
  const change = (next) => {
    if (isSame(next, filter)) return;
    history.pushState(null, "", withQuery(location.pathname, queryOf(next)));
    setFilter(next);
  };
  return [filter, change];
}

/** Return the exchanges of a filter: read from the journal, and kept up to date by its events. */
function useExchanges(filter) {
  const [, draw] = useReducer((turn) => turn + 1, 0);
  const store = useMemo(() => new Store(draw), []);
  const [{ cursor, error, isRead }, setState] = useState({ cursor: null, error: null, isRead: false });
  const reading = useRef(null); // what is being read, so that late answers are dropped
  const asked = JSON.stringify(queryOf(filter));
  const read = async (more) => get("/_mock/journal", { ...JSON.parse(asked), fields: FIELDS, ...more });
  const reload = async () => {
    const own = {};
    reading.current = own;
    try {
      const { entries, cursor: next } = await read({ limit: FIRST });
      if (reading.current !== own) return;
      store.reset(entries, entries.length === FIRST);
      setState({ cursor: next, error: null, isRead: true });
    } catch (failure) {
      if (reading.current !== own) return;
      store.reset([], false);
      setState({ cursor: null, error: failure, isRead: true });
    }
    reading.current = null;
  };
  const readOlder = async () => {
    if (reading.current || !store.hasMore) return;
    const own = {};
    reading.current = own;
    try {
      const { entries } = await read({ limit: MORE, before: store.at(-1).id });
      if (reading.current === own) store.addOlder(entries, entries.length === MORE);
    } catch (failure) {
      if (failure.status >= 400 && failure.status < 500) store.hasMore = false; // evicted, as those before it
    }
    if (reading.current === own) reading.current = null;
  };
  useEffect(() => {
    reload();
    return access.onChange(reload);
  }, [asked]);
  const later = useThrottled(reload, RELOAD);
  const unlessPaused = useThrottled(() => (store.held ? store.skip() : reload()), RELOAD);
  const query = cursor === null ? null : { ...JSON.parse(asked), fields: FIELDS, after: cursor };
  const state = useLive(query, {
    onEntry: (entry) => store.put(entry),
    onRemoved: (id) => store.remove(id),
    onDeleted: later,
    onSkipped: unlessPaused,
  });
  return { store, state, error, isRead, reload, readOlder };
}

/** Show how many exchanges are listed, and what became of them; some of these are also filters. */
function Totals({ store, filter, onChange }) {
  const { refused, failed, brokenOff, inFlight, cost } = store.totals;
  const ofStatus = (status, title, number, kind) => html`<${Total} number=${number} title=${title} kind=${kind}
    pressed=${filter.status === status}
    onClick=${() => onChange(changed(filter, { status: filter.status === status ? "" : status }))} />`;
  const onlyInFlight = filter.when.in_flight === true;
  return html`<div class="row totals" role="group" aria-label="Totals of the listed exchanges">
    <span class="total"><b>${count(store.length)}${store.hasMore ? "+" : ""}</b> listed</span>
    ${ofStatus("4xx", "refused", refused, "warn")} ${ofStatus("5xx", "failed", failed, "bad")}
    ${brokenOff > 0 && html`<span class="total bad"><b>${count(brokenOff)}</b> broken off</span>`}
    <${Total} number=${inFlight} title="in flight" kind="info" pressed=${onlyInFlight}
      onClick=${() => onChange(withCondition(filter, "in_flight", onlyInFlight ? undefined : true))} />
    <span class="total"><b>${dollars(Math.round(cost * 1e10) / 1e10)}</b></span>
  </div>`;
}

const Total = ({ number, title, kind, pressed, onClick }) => html`
  <button type="button" class="total ${number ? kind : ""}" aria-pressed=${String(pressed)} onClick=${onClick}>
    <b>${count(number)}</b> ${title}</button>`;

function Clear({ onCleared }) {
  const [isAsking, setIsAsking] = useState(false);
  const [error, setError] = useState(null);
  const clear = async () => {
    try {
      await send("DELETE", "/_mock/journal");
      setIsAsking(false);
      onCleared();
    } catch (failure) {
      setError(failure);
    }
  };
  const ask = () => {
    setError(null);
    setIsAsking(true);
  };
  const yes = html`<button type="button" class="danger" onClick=${clear}>Delete</button>`;
  return html`<button type="button" aria-haspopup="dialog" onClick=${ask}>Delete all…</button>
    ${isAsking && html`<${Dialog} title="Delete all exchanges?" onClose=${() => setIsAsking(false)}
      closeLabel="Cancel" actions=${yes}>
      <p>The journal of ${access.key() ? "this account" : "all accounts"} will be empty.
        Tests that read it now may fail.</p>
      <${Failure} error=${error} />
    </${Dialog}>`}`;
}

function Nothing({ filter }) {
  if (Object.keys(queryOf(filter)).length) return html`<${Empty}>No exchange satisfies the filter.</${Empty}>`;
  const example = `curl ${location.origin}/v1/models -H "Authorization: Bearer sk-mock-me"`;
  return html`<${Notice}><p>No exchanges yet. They appear here as soon as a client sends a request:</p>
    <pre>${example}</pre></${Notice}>`;
}
