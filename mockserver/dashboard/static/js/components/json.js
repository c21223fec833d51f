/** JSON values as a tree, which can be folded and searched. */
import { write } from "../lib/exact-json.js";
import { count } from "../lib/format.js";
import { html, useMemo, useState } from "../lib/preact.js";
import { Copy } from "./basic.js";
import { LongText, Marked } from "./text.js";

const SMALL = 80; // values of a tree that is open at first; of a larger one, the first levels are
const OPEN_LEVELS = 3;
const OPEN_VALUES = 40; // of a list or object that is open at first
const SHOWN = 100; // values of a list or object, until the user asks for more
const SEARCHED = 10; // values, from which on a search helps

/** Show a JSON value; `label` names it for screen readers. */
export function Json({ value, label = "JSON" }) {
  const [search, setSearch] = useState("");
  const [folding, setFolding] = useState({ turn: 0, open: null });
  const size = useMemo(() => sizeOf(value), [value]);
  const found = useMemo(() => (search ? find(value, search.toLowerCase()) : null), [value, search]);
  const open = folding.open ?? (size <= SMALL ? true : null);
  const fold = (isOpen) => setFolding({ turn: folding.turn + 1, open: isOpen });
  return html`<div class="json-view" role="group" aria-label=${label}>
    <div class="row json-tools">
      ${size > SEARCHED && html`
        <input type="search" aria-label=${`Search in ${label}`} placeholder="Search" value=${search}
          onInput=${(event) => setSearch(event.currentTarget.value)} />
        <button type="button" class="quiet" onClick=${() => fold(true)}>Unfold all</button>
        <button type="button" class="quiet" onClick=${() => fold(false)}>Fold all</button>`}
      <${Copy} text=${write(value, 2)} />
      <span role="status" class="soft small">${found && `${count(found.count)} found`}</span>
    </div>
    <ul class="tree" key=${`${folding.turn} ${search}`}>
      <${Node} value=${value} level=${0} open=${open} search=${search} within=${found?.within} />
    </ul>
  </div>`;
}

/** Show a value with its name. `within` are the lists and objects that contain what is searched for. */
function Node({ name, value, level, open, search, within }) {
  if (!isNested(value)) {
    return html`<li class="leaf">
      <${Name} name=${name} search=${search} /><${Scalar} value=${value} search=${search} /></li>`;
  }
  const shared = { level, open, search, within };
  return html`<${Branch} name=${name} value=${value} ...${shared} />`;
}

function Branch({ name, value, level, open, search, within }) {
  const entries = Object.entries(value);
  const initial = within ? within.has(value) : open ?? (level < OPEN_LEVELS && entries.length <= OPEN_VALUES);
  const [isOpen, setOpen] = useState(initial || level === 0);
  const [shown, setShown] = useState(SHOWN);
  const [begin, end] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const chosen = within ? entries.filter((each) => isFound(each, search.toLowerCase(), within)) : entries;
  const what = Array.isArray(value) ? "values" : "members";
  const title = html`<${Name} name=${name} search=${search} />${begin}`;
  if (!entries.length) return html`<li class="leaf">${title}${end}</li>`;
  return html`<li>
    <button type="button" class="fold" aria-expanded=${String(isOpen)} onClick=${() => setOpen(!isOpen)}>
      ${title}${!isOpen && html`<span class="soft"> ${count(entries.length)} ${what} </span>${end}`}
    </button>
    ${isOpen && html`<ul>
      ${chosen.slice(0, shown).map(([key, each]) => html`<${Node} key=${key}
        name=${Array.isArray(value) ? Number(key) : key} value=${each} level=${level + 1} open=${open} search=${search}
        within=${within && isNested(each) && within.has(each) ? within : undefined} />`)}
      ${chosen.length > shown && html`<li>
        <button type="button" class="quiet small" onClick=${() => setShown(shown + SHOWN)}>
          Show more of ${count(chosen.length)} ${what}</button></li>`}
    </ul><span class="closing">${end}</span>`}
  </li>`;
}

/** Show the name of a member, or the place of a value in a list. */
function Name({ name, search }) {
  if (name === undefined) return null;
  if (typeof name === "number") return html`<span class="place">${name}: </span>`;
  return html`<span class="name"><${Marked} text=${JSON.stringify(name)} search=${search} /></span>: `;
}

function Scalar({ value, search }) {
  if (typeof value === "string") {
    return html`<span class="text">"<${LongText} text=${value} search=${search} />"</span>`;
  }
  return html`<span class=${["number", "bigint"].includes(typeof value) ? "number" : "literal"}>
    <${Marked} text=${String(value)} search=${search} /></span>`;
}

const isNested = (value) => typeof value === "object" && value !== null;

function sizeOf(value) {
  if (!isNested(value)) return 1;
  return Object.values(value).reduce((sum, each) => sum + sizeOf(each), 1);
}

/** Return how many names and values contain the text `wanted`, and the lists and objects around these. */
function find(value, wanted) {
  const within = new Set();
  const search = (each) => {
    if (!isNested(each)) return contains(each, wanted) ? 1 : 0;
    let found = 0;
    for (const [name, inner] of Object.entries(each)) {
      found += search(inner) + (!Array.isArray(each) && contains(name, wanted) ? 1 : 0);
    }
    if (found) within.add(each);
    return found;
  };
  return { count: search(value), within };
}

const contains = (value, wanted) => String(value).toLowerCase().includes(wanted);

function isFound([name, value], wanted, within) {
  if (Number.isNaN(Number(name)) && contains(name, wanted)) return true;
  return isNested(value) ? within.has(value) : contains(value, wanted);
}
