/** The form that selects exchanges: endpoint, model and status, and any other condition of the journal. */
import { Failure, Field } from "../components/basic.js";
import { useJson } from "../lib/hooks.js";
import { html, useEffect, useRef, useState } from "../lib/preact.js";
import { NOTHING, changed, isSame, typedOf, valueOf, withCondition } from "./query.js";

const ENDPOINTS = [
  "transcriptions", "translations", "speech", "chat", "responses", "realtime", "embeddings", "moderations",
  "completions", "stt",
];
const STATUSES = [["2xx", "2xx answered"], ["4xx", "4xx refused"], ["5xx", "5xx failed"]];
const PAUSE = 300; // milliseconds after the last key before a text is applied
const SCHEMA = "journal_when"; // of the conditions, in the document of the control API

/** Show the filter, and call `onChange(filter)`. The key `/` leads here. */
export function Filters({ filter, onChange }) {
  const first = useRef(null);
  useEffect(() => {
    const onKey = (event) => {
      const isTyping = event.target.closest?.("input, textarea, select, [contenteditable], dialog");
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
      event.preventDefault();
      first.current.focus();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  const set = (changes) => onChange(changed(filter, changes));
  return html`<form class="filters" role="search" aria-label="Filter" onSubmit=${(event) => event.preventDefault()}>
    <${Text} label="Endpoint" hint="all" value=${filter.endpoint} input=${first} options=${ENDPOINTS}
      onChange=${(endpoint) => set({ endpoint })} />
    <${Text} label="Model" hint="all, or gpt-4o*" value=${filter.model} onChange=${(model) => set({ model })} />
    <${StatusField} value=${filter.status} onChange=${(status) => set({ status })} />
    <${NewCondition} onAdd=${(name, value) => onChange(withCondition(filter, name, value))} />
    <${Conditions} filter=${filter} onChange=${onChange} />
  </form>`;
}

function Text({ label, hint, value, onChange, input, options = [] }) {
  const [typed, setTyped] = useState(value);
  const latest = useRef(onChange); // the other fields may have changed the filter meanwhile
  latest.current = onChange;
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => latest.current(typed.trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  const list = options.length ? `${label}-options` : undefined;
  return html`<${Field} label=${label}>${(id) => html`
    <input id=${id} ref=${input} value=${typed} placeholder=${hint} list=${list} autocomplete="off"
      spellcheck=${false} onInput=${(event) => setTyped(event.currentTarget.value)} />
    ${list && html`<datalist id=${list}>${options.map((each) => html`<option key=${each} value=${each} />`)}</datalist>`}
  `}</${Field}>`;
}

function StatusField({ value, onChange }) {
  const isOther = value && !STATUSES.some(([status]) => status === value);
  return html`<${Field} label="Status">${(id) => html`
    <select id=${id} value=${value} onChange=${(event) => onChange(event.currentTarget.value)}>
      <option value="">all</option>
      ${STATUSES.map(([status, title]) => html`<option key=${status} value=${status}>${title}</option>`)}
      ${isOther && html`<option value=${value}>${value}</option>`}
    </select>`}</${Field}>`;
}

/** Show what adds one of the other conditions, whose names are those of the schema of the journal's patterns. */
function NewCondition({ onAdd }) {
  const [isOpen, setIsOpen] = useState(false);
  const [name, setName] = useState("");
  const [typed, setTyped] = useState("");
  const { data, error } = useJson(isOpen ? "/_mock/openapi.json" : null);
  const form = useRef(null);
  const opener = useRef(null);
  useEffect(() => form.current?.querySelector("select").focus(), [isOpen]);
  const known = data?.components.schemas[SCHEMA]?.properties ?? {};
  const names = Object.keys(known).filter((each) => !(each in NOTHING));
  const close = () => {
    setIsOpen(false);
    requestAnimationFrame(() => opener.current?.focus());
  };
  const add = () => {
    if (!name || typed.trim() === "") return;
    onAdd(name, valueOf(typed.trim()));
    setTyped("");
    close();
  };
  const onKey = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
  if (!isOpen) {
    return html`<button type="button" ref=${opener} onClick=${() => setIsOpen(true)}>Add a condition</button>`;
  }
  return html`<div class="condition-form" ref=${form}>
    <${Failure} error=${error} />
    <${Field} label="Condition">${(id) => html`
      <select id=${id} value=${name} onChange=${(event) => setName(event.currentTarget.value)}>
        <option value="">choose…</option>
        ${names.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
      </select>`}</${Field}>
    <${Field} label="Value: a text, or JSON">${(id) => html`
      <input id=${id} value=${typed} placeholder="hello*.wav" autocomplete="off" spellcheck=${false}
        onInput=${(event) => setTyped(event.currentTarget.value)} onKeyDown=${onKey} />`}</${Field}>
    <button type="button" onClick=${add}>Add</button>
    <button type="button" class="quiet" onClick=${close}>Cancel</button>
    ${known[name]?.description && html`<p class="small soft">${known[name].description}</p>`}
  </div>`;
}

function Conditions({ filter, onChange }) {
  const remove = (name) => onChange(withCondition(filter, name, undefined));
  if (isSame(filter, NOTHING)) return null;
  return html`<div class="conditions">
    ${Object.entries(filter.when).map(([name, value]) => html`
      <button type="button" class="condition" key=${name} onClick=${() => remove(name)}
        aria-label=${`Remove the condition ${name}`}><b>${name}</b> ${typedOf(value)} <span aria-hidden="true">×</span>
      </button>`)}
    <button type="button" class="quiet" onClick=${() => onChange(NOTHING)}>Show all</button>
  </div>`;
}
