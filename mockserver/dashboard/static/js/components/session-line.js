/** The time line of a Realtime session: a track for the caller, one for the assistant, and the events between them. */
import { position as positionText } from "../lib/format.js";
import { html, useMemo } from "../lib/preact.js";
import { Waveform } from "./waveform.js";

const STEPS = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800]; // seconds between two marks of the ruler
const MARKS = 12; // at most, without zoom
const CUT = new Set(["conversation.item.truncate", "response.cancel", "output_audio_buffer.clear"]);

/**
 * Show the blocks and events of a session of `length` seconds, wider by the factor `zoom`.
 *
 * `sounds` are the decoded files by the key of their block. `onTurn(place)` and `onEvent(number)` are called for what is
 * chosen, `onSeek(seconds)` for a place on the ruler.
 */
export function SessionLine({ entry, blocks, length, zoom, sounds, position, chosen, onTurn, onEvent, onSeek }) {
  const at = (seconds) => `${100 * seconds / length}%`;
  const events = useMemo(
    () => html`<${Events} events=${entry.realtime.events} length=${length} onEvent=${onEvent} />`,
    [entry, length, onEvent],
  );
  const tracks = useMemo(() => ["caller", "assistant"].map((side) => html`
    <div class="lane ${side}" key=${side}>
      ${blocks.filter((each) => each.side === side).map((block) => html`
        <${Block} key=${block.key} block=${block} at=${at} sound=${sounds[block.key]}
        isChosen=${block.turn >= 0 && block.turn === chosen} onTurn=${onTurn} />`)}
    </div>`), [blocks, length, sounds, chosen, onTurn]);
  return html`<div class="session-line">
    <div class="names" aria-hidden="true">
      <span></span><span>Caller</span><span>Events</span><span>Assistant</span></div>
    <div class="scroll" tabindex="0" role="region" aria-label="Time line of the session">
      <div class="lanes" style=${{ width: `${100 * zoom}%` }}>
        <${Ruler} length=${length} zoom=${zoom} at=${at} onSeek=${onSeek} />
        ${tracks[0]}${events}${tracks[1]}
        <span class="head" style=${{ left: at(position) }}></span>
      </div>
    </div>
  </div>`;
}

function Ruler({ length, zoom, at, onSeek }) {
  const step = STEPS.find((each) => length / each <= MARKS * zoom) ?? STEPS.at(-1);
  const marks = Array.from({ length: Math.floor(length / step) + 1 }, (_, number) => number * step);
  const seek = (event) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    onSeek((event.clientX - left) / width * length);
  };
  return html`<div class="ruler" aria-hidden="true" onClick=${seek}>
    ${marks.map((each) => html`<span key=${each} style=${{ left: at(each) }}>${clock(each, step)}</span>`)}
  </div>`;
}

const clock = (seconds, step) => {
  const rest = step < 1 ? (seconds % 60).toFixed(1).padStart(4, "0") : String(seconds % 60).padStart(2, "0");
  return `${Math.floor(seconds / 60)}:${rest}`;
};

function Block({ block, at, sound, isChosen, onTurn }) {
  const { side, from, to, heardTo, text } = block;
  const who = side === "caller" ? "Caller" : "Assistant";
  const isCut = heardTo < to;
  const times = `${positionText(from)} to ${positionText(to)}`;
  const label = `${who}, ${times}${isCut ? `, played until ${positionText(heardTo)}` : ""}`;
  return html`<button type="button" class="block" aria-pressed=${String(isChosen)}
    style=${{ left: at(from), width: at(to - from) }}
    title=${`${label}: ${text}`} aria-label=${`${label}: ${text || "no text"}`} onClick=${() => onTurn(block.turn)}>
    ${sound && html`<${Waveform} peaks=${sound.peaks} kind=${side} />`}
    <span class="text">${text}</span>
    ${isCut && html`<span class="cut" style=${{ left: `${100 * (heardTo - from) / (to - from)}%` }}></span>`}
  </button>`;
}

/** Show the events as lines: the client's above, the server's below. The table of events has them for screen readers. */
function Events({ events, length, onEvent }) {
  const choose = (event) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const ms = (event.clientX - left) / width * length * 1000;
    const distances = events.map((each) => Math.abs(each.at_ms - ms));
    if (distances.length) onEvent(distances.indexOf(Math.min(...distances)));
  };
  return html`<svg class="session-marks" aria-hidden="true" preserveAspectRatio="none"
    viewBox=${`0 0 ${length * 1000} 2`} onClick=${choose}>
    ${events.map(({ at_ms: ms, direction, type }, number) => html`
      <line key=${number} class=${`${direction} ${kindOf(type)}`} x1=${ms} x2=${ms}
        y1=${direction === "in" ? 0 : 1} y2=${direction === "in" ? 1 : 2} />`)}
  </svg>`;
}

/** Return the class of an event: `cut` if it interrupts, `fault` for an error. */
export const kindOf = (type) => (CUT.has(type) ? "cut" : type === "error" || type === "close" ? "fault" : "");
