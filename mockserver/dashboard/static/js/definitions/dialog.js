/** The dialogs in which stubs and faults are written and looked at. */
import { Failure, Notice } from "../components/basic.js";
import { Dialog } from "../components/dialog.js";
import { ROOT } from "../lib/api.js";
import { html, useEffect, useState } from "../lib/preact.js";
import { addYaml, readYaml, replaceYaml } from "./calls.js";
import { YamlEditor } from "./yaml-editor.js";

const ID_LINE = /^id: .*\n/;
const CHANGED = "It was changed elsewhere since you opened it. Save again to overwrite that, or cancel to keep it.";
const DELETED = "It was deleted elsewhere since you opened it. Save again to add it anew.";

/**
 * Show the dialog of a task: `{action, row, text}`, in which `action` is `add`, `edit`, `duplicate` or `show`.
 *
 * `text` is what `add` begins with. `onSaved(row)` is called when something was added or replaced; `children` is shown
 * above the editor, as a function that takes a function that sets the text.
 */
export function DefinitionDialog({ kind, task, onClose, onSaved, children = null }) {
  const { action, row = {} } = task;
  const [text, setText] = useState(task.text ?? null);
  const [origin, setOrigin] = useState(null); // the definition that `text` replaces; null if there is none any more
  const [failure, setFailure] = useState(null);
  const [isBusy, setIsBusy] = useState(false);
  const isReadOnly = action === "show";
  useEffect(() => {
    if (task.text !== undefined) return;
    readYaml(kind, row).then((yaml) => {
      setOrigin(yaml);
      setText(action === "duplicate" ? yaml.replace(ID_LINE, "") : yaml);
    }, setFailure);
  }, []);
  const change = (value) => {
    setText(value);
    setFailure(null);
  };
  const replace = async () => {
    const now = await readIfThere(kind, row);
    if (now !== origin) {
      setOrigin(now);
      throw new Error(now === null ? DELETED : CHANGED);
    }
    return (now === null ? addYaml : replaceYaml)(kind, text, row);
  };
  const save = async () => {
    setIsBusy(true);
    try {
      onSaved(await (action === "edit" ? replace() : addYaml(kind, text, row)));
    } catch (error) {
      setFailure(error);
      setIsBusy(false);
    }
  };
  const button = isReadOnly ? null : html`
    <button type="button" class="primary" disabled=${text === null || isBusy} onClick=${save}>
      ${action === "edit" ? "Save" : "Add"}</button>`;
  return html`<${Dialog} title=${titleOf(action, kind, row)} onClose=${onClose} actions=${button}
    closeLabel=${isReadOnly ? "Close" : "Cancel"}>
    ${isReadOnly && html`<${Notice}>It is defined in <code>${row.source}</code>. Edit that file: the server
      reads it again. Here it can be switched on and off, and duplicated.</${Notice}>`}
    ${children?.(change)}
    ${text !== null && html`<${YamlEditor} value=${text} label=${`Definition of the ${kind.noun} in YAML`}
      error=${placeOf(failure)} readOnly=${isReadOnly} onInput=${change} onSubmit=${save} />`}
    <${Failure} error=${placeOf(failure) ? null : failure} />
    <p class="small soft">
      ${!isReadOnly && html`Control + Enter saves it. `}
      <a href=${`${ROOT}/_mock/docs/${kind.guide}`} target="_blank">The guide</a> describes all members.</p>
  </${Dialog}>`;
}

/** Return the definition of a row as YAML; null if it was deleted. */
async function readIfThere(kind, row) {
  try {
    return await readYaml(kind, row);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function titleOf(action, kind, row) {
  if (action === "add") return `New ${kind.noun}`;
  if (action === "duplicate") return `New ${kind.noun}, like ${row.id}`;
  return action === "edit" ? `Edit the ${kind.noun} ${row.id}` : `The ${kind.noun} ${row.id}`;
}

/** Return the place that a refusal names, with its message; null for another failure. */
function placeOf(failure) {
  const { line, column } = failure?.body ?? {};
  return line ? { line, column, message: failure.message } : null;
}
