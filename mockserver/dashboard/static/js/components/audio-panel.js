/** The audio of an exchange: what was sent, and what was said. */
import { html } from "../lib/preact.js";
import { Player } from "./player.js";

const SOUND = /\.(aac|flac|m4a|mp3|mp4|mpeg|mpga|oga|ogg|opus|pcm|wav|webm)$/i; // names of files
const EAGER = 4; // files that are read at once; others when the user asks for them

/** Show players of the audio that an exchange of the journal has, if any. A session is shown by `SessionPanel`. */
export function AudioPanel({ entry }) {
  if (!hasAudio(entry)) return null;
  const sent = entry.audio.map((file, number) => ({ file, number })).filter(({ file }) => isSound(file));
  return html`<section class="card audio" id="audio" tabindex="-1" aria-labelledby="audio-title">
    <h2 id="audio-title">Audio</h2>
    <div class="stack">
      ${sent.map(({ file, number }) => html`<${Player} key=${`audio-${number}`} file=${file} kind="caller"
        path=${pathOf(entry, "audio", number)} name=${`Sent: ${file.file || file.place}`} eager=${number < EAGER} />`)}
      ${entry.said_audio.map((file, number) => html`<${Player} key=${`said-${number}`} file=${file} kind="assistant"
        path=${pathOf(entry, "said", number)} name=${`Said: ${file.file}`} eager=${number < EAGER} />`)}
    </div>
  </section>`;
}

/** Return whether an exchange has audio to play, apart from that of a session. */
export const hasAudio = (entry) => !entry.realtime && (entry.said_audio.length > 0 || entry.audio.some(isSound));

/** Return whether a file of a request is audio: files of `/v1/files` can be anything. */
const isSound = (file) => file.kept || file.container != null || file.heard != null || SOUND.test(file.file);

/** Return the path of an audio file of an entry; `what` is `audio` or `said`. */
export const pathOf = (entry, what, number) => `/_mock/journal/${encodeURIComponent(entry.id)}/${what}/${number}`;
