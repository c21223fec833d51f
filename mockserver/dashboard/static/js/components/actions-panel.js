/** What can be made of an exchange: a stub, a fault, a fixture, and code that sends it again. */
import { AnswerDialog } from "../actions/answer-dialog.js";
import { CodeDialog } from "../actions/code-dialog.js";
import { FailDialog } from "../actions/fail-dialog.js";
import { FixtureDialog } from "../actions/fixture-dialog.js";
import { call, getExact, page } from "../lib/api.js";
import { useJson } from "../lib/hooks.js";
import { html, useState } from "../lib/preact.js";
import { Failure, Notice } from "./basic.js";

const ACTIONS = [
  ["answer", "Answer this from now on…", AnswerDialog],
  ["fail", "Fail the next one like this…", FailDialog],
  ["fixture", "Save as fixture…", FixtureDialog],
  ["code", "Copy as curl, Python or test…", CodeDialog],
];

/** Show it; `entry` is that of the journal. */
export function ActionsPanel({ entry }) {
  const [opened, setOpened] = useState(null);
  const [done, setDone] = useState([]);
  const path = opened && `/_mock/journal/${encodeURIComponent(entry.id)}/code`;
  const { data: code, error } = useJson(path, undefined, getExact);
  const Opened = ACTIONS.find(([name]) => name === opened)?.[2];
  const note = (made) => {
    setOpened(null);
    setDone((before) => [made, ...before]);
  };
  return html`<section class="card actions-panel" aria-label="Make something of this exchange">
    <div class="row">
      ${ACTIONS.map(([name, title]) => html`<button type="button" key=${name} aria-haspopup="dialog"
        onClick=${() => setOpened(name)}>${title}</button>`)}
    </div>
    ${opened && html`<${Failure} error=${error} />`}
    <div class="stack done" role="status">
      ${done.map((made) => html`<${Done} key=${`${made.kind} ${made.id}`} made=${made} />`)}
    </div>
    ${opened && code && html`
      <${Opened} entry=${entry} code=${code} onDone=${note} onClose=${() => setOpened(null)} />`}
  </section>`;
}

/** Say what was made (`{kind, id, text}`, where `kind` is `stubs` or `faults`), with a link to it, and undo it. */
function Done({ made: { kind, id, text } }) {
  const [isUndone, setUndone] = useState(false);
  const [error, setError] = useState(null);
  const undo = async () => {
    try {
      await call("DELETE", `/_mock/${kind}/${id.split("/").map(encodeURIComponent).join("/")}`);
      setUndone(true);
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  };
  if (isUndone) return html`<${Notice}>Undone: ${id} was removed.</${Notice}>`;
  return html`<${Notice} kind="good">
    <div class="row apart">
      <span>${text} <a href=${`${page(kind)}#${encodeURIComponent(id)}`}>${id}</a></span>
      <button type="button" onClick=${undo}>Undo</button>
    </div>
    <${Failure} error=${error} />
  </${Notice}>`;
}
