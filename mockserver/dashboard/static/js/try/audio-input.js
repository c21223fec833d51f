/** The audio of a request: recorded, dropped or chosen. */
import { bytes } from "../lib/format.js";
import { html, useEffect, useId, useMemo, useState } from "../lib/preact.js";
import { Recorder } from "./recorder.js";

/** Show the audio file with a player, whose element is in `player`, and ways to give another one to `onFile`. */
export function AudioInput({ file, onFile, player }) {
  const id = useId();
  const [over, setOver] = useState(false);
  const url = useObjectUrl(file);
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer.files.length) onFile(event.dataTransfer.files[0]);
  };
  const drag = (isOver) => (event) => {
    event.preventDefault();
    setOver(isOver);
  };
  return html`<div class=${`drop${over ? " over" : ""}`} onDrop=${drop} onDragOver=${drag(true)} onDragLeave=${drag(false)}>
    <div class="row">
      <${Recorder} onFile=${onFile} />
      <span class="soft">or</span>
      <label for=${id}>a file, which can be dropped here</label>
      <input id=${id} type="file" accept="audio/*,video/mp4,video/webm"
        onChange=${(event) => event.currentTarget.files.length && onFile(event.currentTarget.files[0])} />
    </div>
    ${file && html`<div class="row given">
      <span><strong>${file.name}</strong> <span class="soft">${bytes(file.size)}</span></span>
      <audio ref=${player} controls src=${url} aria-label=${`Player of ${file.name}`}></audio>
    </div>`}
  </div>`;
}

/** Return a `blob:` URL of a blob as long as the component shows it; `undefined` without one. */
export function useObjectUrl(blob) {
  const url = useMemo(() => (blob ? URL.createObjectURL(blob) : undefined), [blob]);
  useEffect(() => () => url && URL.revokeObjectURL(url), [url]);
  return url;
}
