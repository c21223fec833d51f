/** Stubs and faults: the calls that read and change them, and what both have in common. */
import { call } from "../lib/api.js";

/** What a stub and a fault are called, and where they are. */
export const STUB = { noun: "stub", nouns: "stubs", path: "/_mock/stubs", guide: "stubs.md" };
export const FAULT = { noun: "fault", nouns: "faults", path: "/_mock/faults", guide: "faults.md" };

const YAML = "application/yaml";
const ADDED = ["used", "hits", "seen", "source", "account", "organization", "project"]; // to the definition, in lists

/** Return a text that identifies a row of a list: accounts may have rows with the same id. */
export const keyOf = (row) => `${row.organization ?? ""}/${row.project ?? ""} ${row.id}`;

/** Return whether a row is switched on. */
export const isOn = (row) => row.enabled !== false;

/** Return the members of the definition of a row, without `names` and what lists add. */
export const membersOf = (row, ...names) =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !ADDED.includes(name) && !names.includes(name)));

/** Return the definition of a row as YAML. */
export async function readYaml(kind, row) {
  return (await call("GET", pathOf(kind, row), { headers: { ...asOwner(row), accept: YAML } })).text();
}

/** Add a definition in YAML, for the account of `row` if it has one. Return what was added. */
export const addYaml = (kind, yaml, row = {}) => sendYaml("POST", kind.path, yaml, row);

/** Replace the definition of a row by YAML. Return the new row. */
export const replaceYaml = (kind, yaml, row) => sendYaml("PUT", pathOf(kind, row), yaml, row);

/** Switch a row on or off. */
export async function setEnabled(kind, row, enabled) {
  const headers = { ...asOwner(row), "content-type": "application/json" };
  await call("PATCH", pathOf(kind, row), { body: JSON.stringify({ enabled }), headers });
}

/** Remove a row. */
export async function remove(kind, row) {
  await call("DELETE", pathOf(kind, row), { headers: asOwner(row) });
}

/** Set the state of a scenario of an account, or of the one whose data are shown. */
export async function setScenario(name, state, account = null) {
  const headers = { ...(account ? asOwner(account) : {}), "content-type": "application/json" };
  const path = `/_mock/scenarios/${encodeURIComponent(name)}`;
  await call("PUT", path, { body: JSON.stringify({ state }), headers });
}

const pathOf = (kind, row) => `${kind.path}/${row.id.split("/").map(encodeURIComponent).join("/")}`;

/** Return the headers by which a call without a key applies to the account of a row, if the server knows that. */
function asOwner({ account, organization, project }) {
  return account ? { "x-mock-account": `${organization}/${project}` } : {};
}

async function sendYaml(method, path, yaml, row) {
  return (await call(method, path, { body: yaml, headers: { ...asOwner(row), "content-type": YAML } })).json();
}
