/** The exchanges of the list: the newest first, each once, with running totals. */

const MOST = 20_000; // exchanges that are kept; the oldest are forgotten

/**
 * Return how an exchange ended: `inFlight` if it has not, `brokenOff` without a complete answer, or if a session was
 * refused after its handshake, `failed` (5xx), `refused` (4xx) or `ok`.
 */
export function outcomeOf({ status, in_flight: inFlight, hung_up: hungUp, error }) {
  if (inFlight) return "inFlight";
  if (status === null || hungUp || (error && status < 400)) return "brokenOff";
  if (status >= 500) return "failed";
  return status >= 400 ? "refused" : "ok";
}

/** Exchanges that are added as they come. `onChange` is called after changes, at most once a frame. */
export class Store {
  constructor(onChange) {
    this.onChange = onChange;
    this.frame = 0;
    this.held = null; // entries that came while paused, by id
    this.reset([], false);
  }

  /** Show these entries instead, the oldest first. `hasMore` says whether there may be older ones. */
  reset(entries, hasMore) {
    this.rows = []; // `{entry}`, the newest first
    this.byId = new Map(); // the same
    this.totals = { refused: 0, failed: 0, brokenOff: 0, inFlight: 0, cost: 0 };
    this.shifted = 0; // rows that were put before others since the last call of `takeShift`
    this.held?.clear();
    this.isOutdated = false; // entries were missed while paused: the list has to be read again
    this.addOlder(entries, hasMore);
  }

  /** Return how many entries there are. */
  get length() {
    return this.rows.length;
  }

  /** Return the entry at a place, the newest at 0, the oldest at -1. */
  at(place) {
    return this.rows.at(place).entry;
  }

  /** Add older entries, the oldest first. */
  addOlder(entries, hasMore) {
    for (const entry of entries.toReversed()) {
      if (this.byId.has(entry.id) || this.length === MOST) continue;
      this.rows.push(this.row(entry));
    }
    this.hasMore = hasMore && this.length < MOST;
    this.changed();
  }

  /** Add an entry, or replace the one with its id. */
  put(entry) {
    const known = this.byId.get(entry.id);
    if (this.held) this.hold(entry);
    else if (known) {
      this.count(known.entry, -1);
      this.count(entry, 1);
      known.entry = entry;
    } else {
      this.rows.unshift(this.row(entry));
      this.shifted += 1;
      if (this.length > MOST) this.forget(this.rows.pop());
    }
    this.changed();
  }

  /** Remove the entry with an id. */
  remove(id) {
    this.held?.delete(id);
    const row = this.byId.get(id);
    if (!row) return;
    this.rows.splice(this.rows.indexOf(row), 1);
    this.forget(row);
    this.changed();
  }

  /** Hold back what comes from now on, or show it. */
  pause(paused) {
    const held = this.held;
    this.held = paused ? new Map() : null;
    for (const entry of held?.values() ?? []) this.put(entry);
    this.changed();
  }

  /** Note that entries were missed while paused. */
  skip() {
    this.isOutdated = true;
    this.changed();
  }

  /** Return by how many places the entries have moved down since the last call. */
  takeShift() {
    const shifted = this.shifted;
    this.shifted = 0;
    return shifted;
  }

  hold(entry) {
    this.held.set(entry.id, entry);
    if (this.held.size <= MOST) return;
    this.held.delete(this.held.keys().next().value);
    this.isOutdated = true;
  }

  row(entry) {
    const row = { entry };
    this.byId.set(entry.id, row);
    this.count(entry, 1);
    return row;
  }

  forget(row) {
    this.byId.delete(row.entry.id);
    this.count(row.entry, -1);
  }

  count(entry, sign) {
    const outcome = outcomeOf(entry);
    if (outcome in this.totals) this.totals[outcome] += sign;
    this.totals.cost += sign * (entry.cost_usd ?? 0);
  }

  changed() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.onChange();
    });
  }
}
