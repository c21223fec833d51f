/** The exchanges of the list: the newest first, each once, with running totals. */

const MOST = 20_000; // exchanges that are kept; the oldest are forgotten
const COUNTED = ["refused", "failed", "inFlight"];

/** Return how an exchange ended: `inFlight`, `failed` (no answer, 5xx, left by its client), `refused` (4xx) or `ok`. */
export function outcomeOf({ status, in_flight: inFlight, hung_up: hungUp }) {
  if (inFlight) return "inFlight";
  if (status === null || status >= 500 || hungUp) return "failed";
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
    this.entries = entries.toReversed();
    this.places = null; // by id, made when needed
    this.shifted = 0; // entries that were put before others since the last call of `takeShift`
    this.hasMore = hasMore;
    this.totals = { refused: 0, failed: 0, inFlight: 0, cost: 0 };
    if (this.held) this.held.clear();
    for (const entry of this.entries) this.count(entry, 1);
    this.changed();
  }

  /** Add older entries, the oldest first. */
  addOlder(entries, hasMore) {
    this.hasMore = hasMore && this.entries.length + entries.length < MOST;
    const known = this.index();
    for (const entry of entries.toReversed()) {
      if (known.has(entry.id)) continue;
      known.set(entry.id, this.entries.length);
      this.entries.push(entry);
      this.count(entry, 1);
    }
    this.entries = [...this.entries];
    this.changed();
  }

  /** Add an entry, or replace the one with its id. */
  put(entry) {
    if (this.held) {
      this.held.set(entry.id, entry);
      this.changed();
      return;
    }
    const place = this.index().get(entry.id);
    if (place === undefined) {
      this.entries.unshift(entry);
      this.places = null;
      this.shifted += 1;
    } else {
      this.count(this.entries[place], -1);
      this.entries[place] = entry;
    }
    this.count(entry, 1);
    if (this.entries.length > MOST) this.count(this.entries.pop(), -1);
    this.changed();
  }

  /** Remove the entry with an id. */
  remove(id) {
    this.held?.delete(id);
    const place = this.index().get(id);
    if (place === undefined) return;
    this.count(this.entries[place], -1);
    this.entries.splice(place, 1);
    this.places = null;
    this.changed();
  }

  /** Hold back what comes from now on, or show it. */
  pause(paused) {
    const held = this.held;
    this.held = paused ? new Map() : null;
    for (const entry of held?.values() ?? []) this.put(entry);
    this.changed();
  }

  /** Return by how many places the entries have moved down since the last call. */
  takeShift() {
    const shifted = this.shifted;
    this.shifted = 0;
    return shifted;
  }

  index() {
    this.places ??= new Map(this.entries.map((entry, place) => [entry.id, place]));
    return this.places;
  }

  count(entry, sign) {
    const outcome = outcomeOf(entry);
    if (COUNTED.includes(outcome)) this.totals[outcome] += sign;
    this.totals.cost += sign * (entry.cost_usd ?? 0);
  }

  changed() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.onChange();
    });
  }
}
