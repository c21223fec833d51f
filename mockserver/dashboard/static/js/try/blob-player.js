/** A player of audio that the page has: a recording, a chosen file, speech. */
import { Deck } from "../components/player.js";
import { bytes } from "../lib/format.js";
import { html, useEffect, useMemo, useState } from "../lib/preact.js";
import { decode } from "../lib/sound.js";

/** Show a player of a `Blob`, whose `name` is shown, with the `transcript` if it is known (see `Transcript`). */
export function BlobPlayer({ blob, name, kind, transcript, autoplay = false }) {
  const audio = useBlob(blob);
  return html`<article class="player ${kind}" aria-label=${name}>
    <div class="row apart"><h2>${name}</h2><span class="soft small">${bytes(blob.size)}</span></div>
    <${Deck} audio=${audio} file=${{ file: blob.name, transcript }} name=${name} kind=${kind} autoplay=${autoplay} />
  </article>`;
}

/** Return a blob as `{url, sound, problem}`; its sound is decoded soon after. */
function useBlob(blob) {
  const url = useMemo(() => URL.createObjectURL(blob), [blob]);
  const [decoded, setDecoded] = useState({});
  useEffect(() => {
    let isOver = false;
    setDecoded({});
    const change = (state) => isOver || setDecoded(state);
    decode(blob).then((sound) => change({ sound }), () => change({ problem: "undecodable" }));
    return () => {
      isOver = true;
      URL.revokeObjectURL(url);
    };
  }, [blob, url]);
  return { url, ...decoded };
}
