/** The audio of a request: recorded, dropped or chosen. */
import { html, useId, useState } from "../lib/preact.js";
import { BlobPlayer } from "./blob-player.js";
import { Recorder } from "./recorder.js";

/** Show the audio file with a player, its `transcript` if it is known, and ways to give another file to `onFile`. */
export function AudioInput({ file, onFile, transcript }) {
  const id = useId();
  const [over, setOver] = useState(false);
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer.files.length) onFile(event.dataTransfer.files[0]);
  };
  const choose = (event) => {
    if (event.currentTarget.files.length) onFile(event.currentTarget.files[0]);
    event.currentTarget.value = ""; // so that the same file can be chosen again
  };
  const drag = (isOver) => (event) => {
    event.preventDefault();
    setOver(isOver);
  };
  return html`<div class="drop ${over ? "over" : ""}" onDrop=${drop} onDragOver=${drag(true)}
    onDragLeave=${drag(false)}>
    <div class="row">
      <${Recorder} onFile=${onFile} />
      <span class="soft">or</span>
      <input id=${id} type="file" class="visually-hidden" accept="audio/*,video/mp4,video/webm" onChange=${choose} />
      <label for=${id} class="button">Choose a file</label>
      <span class="soft">or drop one here</span>
    </div>
    ${file && html`<${BlobPlayer} blob=${file} name=${file.name} kind="caller" transcript=${transcript} />`}
  </div>`;
}
