/** A transcript whose words, or segments, are buttons that move the position in the audio. */
import { count, position as positionText } from "../lib/format.js";
import { html, useMemo, useRef, useState } from "../lib/preact.js";
import { Badge } from "./basic.js";

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };

/**
 * Show a transcript of the journal. `position` is the one in the audio, in seconds; `onSeek(seconds)` moves it.
 *
 * It is one stop of the Tab key; the arrow keys move between words.
 */
export function Transcript({ transcript, position, onSeek }) {
  const lines = useMemo(() => linesOf(transcript), [transcript]);
  const parts = useMemo(() => lines.flatMap((line) => line.parts), [lines]);
  const current = parts.findLastIndex((each) => each.start <= position);
  const spoken = current >= 0 && position < parts[current].end && position > 0 ? current : -1;
  return useMemo(
    () => html`<${Lines} lines=${lines} spoken=${spoken} dropped=${transcript.segments_dropped} onSeek=${onSeek} />`,
    [lines, spoken, transcript, onSeek],
  );
}

function Lines({ lines, spoken, dropped, onSeek }) {
  const list = useRef(null);
  const [stop, setStop] = useState(0);
  const move = (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = list.current.querySelectorAll("button");
    const next = Math.min(Math.max(stop + step, 0), buttons.length - 1);
    setStop(next);
    buttons[next].focus();
  };
  return html`<div class="transcript">
    <ol ref=${list} onKeyDown=${move} aria-label="Transcript: the arrow keys move between words, Enter plays from there">
      ${lines.map((line, number) => html`<${Line} key=${number} line=${line} spoken=${spoken} stop=${stop}
        onChoose=${(part) => { setStop(part.place); onSeek(part.start); }} />`)}
    </ol>
    ${dropped > 0 && html`<p class="soft small">${count(dropped)} later segments are not recorded.</p>`}
  </div>`;
}

const Line = ({ line, spoken, stop, onChoose }) => html`<li>
  <span class="at">${positionText(line.start)}</span>
  ${line.speaker != null && html`<${Badge} kind="info">${line.speaker}</${Badge}>`}
  <span class="words">${line.parts.map((part) => html`<button type="button" key=${part.place} class="quiet"
    tabindex=${part.place === stop ? 0 : -1} aria-current=${part.place === spoken ? "true" : undefined}
    title=${`${positionText(part.start)} to ${positionText(part.end)}`}
    onClick=${() => onChoose(part)}>${part.text}</button>${" "}`)}</span>
</li>`;

/** Return the segments, each with its words, or itself where the engine found no words. */
function linesOf({ segments, words }) {
  let place = 0;
  let next = 0;
  return segments.map((segment, number) => {
    const own = [];
    const isLast = number === segments.length - 1;
    while (words && next < words.length && (isLast || words[next].start < segment.end)) {
      const { word, start, end } = words[next];
      own.push({ text: word, start, end, place: place++ });
      next += 1;
    }
    if (!own.length) own.push({ text: segment.text, start: segment.start, end: segment.end, place: place++ });
    return { start: segment.start, speaker: segment.speaker, parts: own };
  });
}
