/** The Realtime session that an exchange opened: two tracks on one time line, its turns and its events. */
import { count, dollars, duration, position as positionText } from "../lib/format.js";
import { useMix } from "../lib/mix.js";
import { html, useCallback, useEffect, useMemo, useRef, useState } from "../lib/preact.js";
import { blocksOf, lengthOf, turnKind } from "../lib/session.js";
import { decode, load } from "../lib/sound.js";
import { pathOf } from "./audio-panel.js";
import { Badge, Facts, Notice } from "./basic.js";
import { SessionEvents } from "./session-events.js";
import { SessionLine } from "./session-line.js";
import { SessionTurn } from "./session-turn.js";

const MOST_SOUNDS = 40; // files that are read for the time line
const ZOOMS = [1, 2, 4, 8, 16];

/** Show the session of an entry of the journal, if it has one. */
export function SessionPanel({ entry }) {
  return entry.realtime ? html`<${Session} entry=${entry} />` : null;
}

function Session({ entry }) {
  const [turn, setTurn] = useState(null);
  const [event, setEvent] = useState(null);
  const [zoom, setZoom] = useState(1);
  const blocks = useMemo(() => blocksOf(entry), [entry]);
  const length = useMemo(() => lengthOf(entry, blocks), [entry, blocks]);
  const { sounds, clips } = useSounds(entry, blocks);
  const mix = useMix(clips, length);
  const chooseTurn = useCallback((place) => setTurn((before) => (before === place ? null : place)), []);
  const session = entry.realtime;
  const turns = [...session.turns.entries()].filter(([, each]) => each.kind === turnKind(entry));
  return html`<section class="card session" id="session" tabindex="-1" aria-labelledby="session-title">
      <div class="row apart">
        <h2 id="session-title">Realtime session</h2><code class="small">${session.session}</code></div>
      <${Summary} entry=${entry} length=${length} turns=${turns} />
      <div class="row">
        <button type="button" class="primary" disabled=${!clips.length} onClick=${mix.toggle}>
          ${mix.isPlaying ? "Pause" : "Play both sides"}</button>
        <input type="range" min="0" max=${length} step="0.1" value=${mix.position}
          aria-label="Position in the session" aria-valuetext=${positionText(mix.position)}
          onInput=${(each) => mix.seek(Number(each.currentTarget.value))} />
        <span class="position">${positionText(mix.position)} / ${positionText(length)}</span>
        <label class="small">Zoom ${" "}
          <select value=${zoom} onChange=${(each) => setZoom(Number(each.currentTarget.value))}>
          ${ZOOMS.map((each) => html`<option key=${each} value=${each}>${each}×</option>`)}</select></label>
      </div>
      <${SessionLine} entry=${entry} blocks=${blocks} length=${length} zoom=${zoom} sounds=${sounds} chosen=${turn}
        position=${mix.position} onTurn=${chooseTurn} onEvent=${setEvent} onSeek=${mix.seek} />
      <${NotKept} entry=${entry} blocks=${blocks} />
    </section>
    <section class="card" aria-labelledby="turns">
      <h2 id="turns">Turns</h2>
      ${session.turns_dropped > 0 && html`<p class="soft small">
        ${count(session.turns_dropped)} older turns are not kept.</p>`}
      ${turns.length ? html`<ol class="turns">${turns.map(([place, each]) => html`
        <${SessionTurn} key=${place} entry=${entry} turn=${each}
        blocks=${blocks.filter((block) => block.turn === place && block.file)} isOpen=${turn === place}
        onToggle=${() => chooseTurn(place)} />`)}</ol>` : html`<p class="soft">No turn yet.</p>`}
    </section>
    <${SessionEvents} session=${session} chosen=${event} onChoose=${setEvent} />`;
}

function Summary({ entry, length, turns }) {
  const session = entry.realtime;
  const interrupted = turns.filter(([, each]) => each.interrupted).length;
  return html`<div class="row session-facts">
    ${entry.in_flight && html`<${Badge} kind="info">open</${Badge}>`}
    ${session.kind === "transcription" && html`<${Badge}>transcription</${Badge}>`}
    ${interrupted > 0 && html`<${Badge} kind="warn">${count(interrupted)} interrupted</${Badge}>`}
    ${entry.hung_up && html`<${Badge} kind="warn">client hung up</${Badge}>`}
    ${session.close && html`<${Badge} kind="bad">closed: ${session.close.code} ${session.close.reason}</${Badge}>`}
    <${Facts} rows=${[
      ["Length", duration(length * 1000)], ["Turns", count(turns.length)],
      ["Caller", duration(session.audio_in * 1000)], ["Assistant", duration(session.audio_out * 1000)],
      ["Cost", entry.cost_usd == null ? null : dollars(entry.cost_usd)],
    ]} />
  </div>`;
}

/** Say that what the caller said cannot be heard, and how to keep it. */
function NotKept({ entry, blocks }) {
  const hasSpoken = blocks.some((each) => each.side === "caller" && each.to > each.from);
  if (!hasSpoken || entry.audio.length) return null;
  return html`<${Notice}>What the caller said was not kept. To keep the audio of sessions from now on, start
    the server with <code>--keep-audio 100000000</code> (bytes).</${Notice}>`;
}

/** Return the decoded files by the key of their block, and the clips that can be played. Each file is read once. */
function useSounds(entry, blocks) {
  const [found, setFound] = useState({});
  const asked = useRef(new Map());
  const wanted = blocks.filter((each) => each.file).slice(0, MOST_SOUNDS);
  const paths = wanted.map(({ file }) => pathOf(entry, file.what, file.number));
  useEffect(() => {
    paths.forEach((path, number) => {
      if (asked.current.has(path)) return;
      asked.current.set(path, null);
      readSound(path, wanted[number].file.row.duration).then((sound) => {
        asked.current.set(path, sound);
        setFound((before) => ({ ...before, [path]: sound }));
      }, () => {}); // the player of the turn says why
    });
  }, [paths.join()]);
  useEffect(() => () => asked.current.forEach((sound) => sound && URL.revokeObjectURL(sound.url)), []);
  const known = wanted.flatMap((block, number) => (found[paths[number]] ? [[block, found[paths[number]]]] : []));
  const sounds = useMemo(() => Object.fromEntries(known.map(([block, sound]) => [block.key, sound])), [found, blocks]);
  const clips = known.map(([block, sound]) => ({ url: sound.url, from: block.from, to: block.heardTo }));
  const written = JSON.stringify(clips);
  return { sounds, clips: useMemo(() => JSON.parse(written), [written]) };
}

async function readSound(path, duration) {
  const { blob } = await load(path);
  return { ...await decode(blob, duration), url: URL.createObjectURL(blob) };
}
