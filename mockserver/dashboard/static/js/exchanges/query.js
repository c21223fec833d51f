/** The filter of the exchanges, which is the query of the page's URL and nearly that of the journal. */

/** The members of entries that the list shows. */
export const FIELDS = [
  "id", "time", "account", "project", "endpoint", "method", "path", "model", "status", "error", "answered_by", "stub",
  "fault", "cost_usd", "timing", "in_flight", "hung_up",
].join(",");

const NAMES = ["endpoint", "model", "status"];
export const NOTHING = { endpoint: "", model: "", status: "", when: {} };

/** Return the filter in a URL's query: `{endpoint, model, status, when}`; `when` are the further conditions. */
export function filterOf(search) {
  const given = new URLSearchParams(search);
  const named = Object.fromEntries(NAMES.map((name) => [name, given.get(name) ?? ""]));
  return { ...named, when: conditionsOf(given.get("when")) };
}

/** Return the query of the journal, and of a URL, for a filter. */
export function queryOf({ when, ...named }) {
  const query = Object.fromEntries(Object.entries(named).filter(([, value]) => value));
  return Object.keys(when).length ? { ...query, when: JSON.stringify(when) } : query;
}

/** Return a filter with other values of `endpoint`, `model` or `status`, which replace conditions of the same name. */
export function changed({ when, ...named }, changes) {
  const others = Object.entries(when).filter(([name]) => !(name in changes));
  return { ...named, ...changes, when: Object.fromEntries(others) };
}

/** Return a filter with a condition: `value` is `undefined` to remove it. */
export function withCondition(filter, name, value) {
  const { [name]: _, ...when } = filter.when;
  return { ...filter, when: value === undefined ? when : { ...when, [name]: value } };
}

/** Return whether two filters select the same. */
export const isSame = (one, other) => JSON.stringify(queryOf(one)) === JSON.stringify(queryOf(other));

/** Return the value of a condition that a user has typed: JSON, or else a text. */
export function valueOf(typed) {
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}

/** Return the value of a condition as a user types it. */
export const typedOf = (value) => (typeof value === "string" ? value : JSON.stringify(value));

function conditionsOf(text) {
  const value = text ? valueOf(text) : {};
  return value && typeof value === "object" && !Array.isArray(value) ? value : {};
}
