/** A list of stubs or faults, which can be switched, written, duplicated and deleted. */
import { Badge, Empty, Failure, Field, Live, Notice, Switch } from "../components/basic.js";
import { withQuery } from "../lib/api.js";
import { accountName, count } from "../lib/format.js";
import { html, useEffect, useMemo, useRef, useState } from "../lib/preact.js";
import { addYaml, isOn, keyOf, readYaml, remove, setEnabled } from "./calls.js";
import { DefinitionDialog } from "./dialog.js";

const SHOWN = 100; // rows at first, and how many more each time

/**
 * Show the rows of a list. `describe(row)` returns what a row matches and does, `counts(row)` its counts; `newText` is
 * what a new definition begins with, and `choices` is shown in the dialog for a new one. `live` is the state of the
 * events, and `reload` reads the list again, and returns a promise.
 */
export function DefinitionList({ kind, rows, describe, counts, newText, choices, live, reload, failure }) {
  const [search, setSearch] = useSearch();
  const [task, setTask] = useState(null);
  const [outcome, setOutcome] = useState(null);
  const [shown, setShown] = useState(SHOWN);
  const hash = useHash();
  const found = useMemo(() => inOrder(rows.filter((row) => isFound(row, search)), hash), [rows, search, hash]);
  const done = (next) => {
    setTask(null);
    setOutcome(next);
    return reload();
  };
  const saved = ({ id }) =>
    done({ text: `The ${kind.noun} ${id} was ${task.action === "edit" ? "replaced" : "added"}.` });
  const act = actions(kind, setTask, done);
  return html`<section class="stack" aria-labelledby="list">
    <h2 id="list" class="visually-hidden">All ${kind.nouns}</h2>
    <${Toolbar} ...${{ kind, search, setSearch, live }} onNew=${() => setTask({ action: "add", text: newText })} />
    <${Failure} error=${failure} />
    <${Outcome} outcome=${outcome} onClose=${() => setOutcome(null)} />
    <p class="soft" role="status">${count(found.length)} of ${count(rows.length)} ${kind.nouns}</p>
    ${found.length === 0 && html`<${Empty}>
      ${rows.length ? "None matches. Change the search."
        : `There are no ${kind.nouns}. Add one here, or on the page of an exchange.`}</${Empty}>`}
    <ul class="definitions">${found.slice(0, shown).map((row) => html`
      <${Row} key=${keyOf(row)} ...${{ row, act, counts }} named=${isNamed(row, hash)}>${describe(row)}</${Row}>`)}</ul>
    ${found.length > shown && html`<button type="button" onClick=${() => setShown(shown + SHOWN)}>Show more</button>`}
    ${task && html`<${DefinitionDialog} kind=${kind} task=${task} onClose=${() => setTask(null)} onSaved=${saved}>
      ${task.action === "add" ? choices : null}</${DefinitionDialog}>`}
  </section>`;
}

/** Return the search of the URL, and a function that changes it. */
function useSearch() {
  const [search, setSearch] = useState(() => new URLSearchParams(location.search).get("search") ?? "");
  useEffect(() => {
    history.replaceState(null, "", withQuery(location.pathname, { search }) + location.hash);
  }, [search]);
  return [search, setSearch];
}

/** Return what is after `#` in the URL: the encoded id by which other pages refer to a row. */
function useHash() {
  const read = () => location.hash.slice(1);
  const [hash, setHash] = useState(read);
  useEffect(() => {
    const change = () => setHash(read());
    addEventListener("hashchange", change);
    return () => removeEventListener("hashchange", change);
  }, []);
  return hash;
}

const isNamed = (row, hash) => encodeURIComponent(row.id) === hash;

/** Return the rows, those that the URL names first. */
const inOrder = (rows, hash) =>
  [...rows.filter((row) => isNamed(row, hash)), ...rows.filter((row) => !isNamed(row, hash))];

function isFound(row, search) {
  if (!search) return true;
  const text = JSON.stringify(row).toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** Return what the controls of a row do. */
function actions(kind, setTask, done) {
  const attempt = async (action) => {
    try {
      await done(await action());
    } catch (error) {
      await done({ text: error.message, kind: "error" });
    }
  };
  return {
    open: (action, row) => setTask({ action, row }),
    toggle: (row, enabled) => attempt(async () => {
      await setEnabled(kind, row, enabled);
      return null;
    }),
    remove: (row) => attempt(async () => {
      const yaml = await readYaml(kind, row);
      await remove(kind, row);
      const undo = () => attempt(async () => {
        await addYaml(kind, yaml, row);
        return { text: `The ${kind.noun} ${row.id} is there again. It counts from the beginning.` };
      });
      return { text: `The ${kind.noun} ${row.id} was deleted.`, undo };
    }),
  };
}

const Toolbar = ({ kind, search, setSearch, live, onNew }) => html`<div class="row apart toolbar">
  <${Field} label="Search">${(id) => html`<input id=${id} type="search" value=${search}
    placeholder="Id, pattern, reply, account" onInput=${(event) => setSearch(event.currentTarget.value)} />`}</${Field}>
  <div class="row"><${Live} state=${live} />
    <button type="button" class="primary" onClick=${onNew}>New ${kind.noun}</button></div>
</div>`;

/** Show what was done. The focus goes to what undoes it, since the button that did it is deleted as well. */
function Outcome({ outcome, onClose }) {
  const undo = useRef(null);
  useEffect(() => undo.current?.focus(), [outcome]);
  return html`<div role="status" class="outcome">${outcome && html`
    <${Notice} kind=${outcome.kind ?? "good"}><div class="row apart">
      <span>${outcome.text}</span>
      <span class="row">
        ${outcome.undo && html`<button type="button" ref=${undo} onClick=${outcome.undo}>Undo</button>`}
        <button type="button" class="quiet" onClick=${onClose}>Dismiss</button></span>
    </div></${Notice}>`}</div>`;
}

function Row({ row, act, counts, named, children }) {
  const [wanted, setWanted] = useState(null); // what it is being switched to
  const latest = useRef(Promise.resolve()); // calls are made one after another, however fast it is switched
  const on = wanted ?? isOn(row);
  const toggle = (next) => {
    setWanted(next);
    const own = latest.current.then(() => act.toggle(row, next));
    latest.current = own;
    own.then(() => own === latest.current && setWanted(null));
  };
  return html`<li class="card definition ${on ? "" : "off"} ${named ? "named" : ""}">
    <${Switch} checked=${on} label=${`${row.id} is on`} hideLabel onChange=${toggle} />
    <div class="what">
      <h3><code>${row.id}</code> ${row.name && html`<span class="soft">${row.name}</span>`}</h3>
      <div class="row">
        ${!on && html`<${Badge} kind="warn">off</${Badge}>`}
        ${row.source && html`
          <${Badge} title="It is defined in this file, and cannot be edited here.">file ${row.source}</${Badge}>`}
        ${Object.hasOwn(row, "account") && html`<${Badge} kind="info">account ${accountName(row)}</${Badge}>`}
      </div>
      ${children}
    </div>
    <div class="counts">${counts(row)}</div>
    <div class="row buttons">
      <button type="button" onClick=${() => act.open(row.source ? "show" : "edit", row)}
        aria-label=${`${row.source ? "Show" : "Edit"} ${row.id}`}>${row.source ? "Show" : "Edit"}</button>
      <button type="button" onClick=${() => act.open("duplicate", row)}
        aria-label=${`Duplicate ${row.id}`}>Duplicate</button>
      ${!row.source && html`<button type="button" class="danger" onClick=${() => act.remove(row)}
        aria-label=${`Delete ${row.id}`}>Delete</button>`}
    </div>
  </li>`;
}
