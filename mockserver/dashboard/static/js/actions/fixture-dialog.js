/** A dialog with the fixture of an exchange, as a file to save. */
import { Copy, Notice } from "../components/basic.js";
import { Dialog } from "../components/dialog.js";
import { html, useEffect, useState } from "../lib/preact.js";
import { written } from "./documents.js";

/** Show it; `entry` is that of the journal, `code` the exchange as code. */
export function FixtureDialog({ entry, code, onClose }) {
  if (!code.fixture) {
    return html`<${Dialog} title="Save as fixture" onClose=${onClose}>
      <${Notice} kind="warn">${code.missing.fixture}</${Notice}></${Dialog}>`;
  }
  const text = `${written(code.fixture)}\n`;
  return html`<${Preview} text=${text} name=${fileName(entry, code.fixture)} onClose=${onClose} />`;
}

function Preview({ text, name, onClose }) {
  const url = useBlobUrl(text);
  const link = url && html`<a class="button primary" href=${url} download=${name}>Download ${name}</a>`;
  return html`<${Dialog} title="Save as fixture" onClose=${onClose} actions=${link}>
    <p>Put this file into a folder, and start the server with <code>--fixtures</code> and that folder.
      Uploads of the same audio are then answered with this text, in every format. The audio itself is not
      needed there.</p>
    <div class="preview"><pre tabindex="0" aria-label="The fixture">${text}</pre></div>
    <div class="row"><${Copy} text=${text} /></div>
  </${Dialog}>`;
}

/** Return the URL of a file with a text, while the component exists. */
function useBlobUrl(text) {
  const [url, setUrl] = useState(null);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [text]);
  return url;
}

/** Return the name of the file, after that of the audio. */
function fileName(entry, fixture) {
  const audio = entry.audio.find((each) => each.sha256 === fixture.sha256);
  const stem = (audio?.file ?? "").replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}_ -]/gu, "_").trim();
  return `${stem || fixture.sha256.slice(0, 12)}.json`;
}
