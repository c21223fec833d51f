/** What happened in a Realtime session, as blocks on the time line of its two sides. Times are in seconds. */

const NEAR = 1; // milliseconds between a segment of speech and the audio that was kept of it
const EARLY = 100; // milliseconds by which a turn may begin before the end of the audio that it answers

/**
 * Return the blocks of an entry's session: `{key, side, from, to, heardTo, text, turn, file}`.
 *
 * `side` is `caller` or `assistant`, `turn` the place of the block's turn in the session or -1. `file` is `{what, number,
 * row}` if there is audio; the client has played it until `heardTo`.
 */
export function blocksOf(entry) {
  const blocks = [...callersOf(entry), ...assistantsOf(entry)];
  return blocks.map((block, number) => ({ ...block, key: number })).sort((a, b) => a.from - b.from);
}

/** Return the length of a session, in seconds. */
export function lengthOf(entry, blocks) {
  const { events, turns } = entry.realtime;
  const ends = [
    ...events.map((each) => each.until_ms ?? each.at_ms), ...turns.map((each) => each.ended_ms ?? each.began_ms),
    ...blocks.map((each) => each.to * 1000),
  ];
  return ends.reduce((last, each) => Math.max(last, each), 1000) / 1000;
}

/** Return the kind of turn that a session has: of a transcription session there are no responses. */
export const turnKind = (entry) => (entry.realtime.kind === "transcription" ? "transcription" : "response");

/** Return what the caller said, in each turn once: by turn detection, by what was committed, or in writing. */
function callersOf(entry) {
  const kind = turnKind(entry);
  const turns = [...entry.realtime.turns.entries()].filter(([, turn]) => turn.kind === kind);
  const files = new Set(entry.audio.keys());
  const blocks = turns.flatMap(([place, turn]) => spokenIn(entry, place, turn, files));
  const spoken = blocks.filter(({ from }, number) => ( // a turn may answer again what an earlier one has
    blocks.findIndex((block) => block.from === from) === number));
  for (const number of files) {
    const row = entry.audio[number];
    const end = row.at_ms + row.duration * 1000;
    const found = turns.find(([, turn]) => turn.item === row.place || turn.began_ms >= end - EARLY);
    const [place, turn] = found ?? [-1, null];
    const text = spoken.some((block) => block.turn === place) ? "" : turn?.heard;
    spoken.push(callers(row.at_ms, end, text, place, fileOf(entry.audio, "audio", number)));
  }
  const others = turns.filter(([place, turn]) => (
    !turn.speech.length && (turn.heard || turn.user_text) && !spoken.some((block) => block.turn === place)));
  return [...spoken, ...others.map(([place, turn]) => (
    callers(turn.began_ms, turn.began_ms, turn.heard ?? turn.user_text, place, null)))];
}

/** Return the segments of speech of a turn, and take the files that were kept of them out of `files`. */
function spokenIn(entry, place, turn, files) {
  return turn.speech.map(([from, to], number) => {
    const file = entry.audio.findIndex((row) => Math.abs(row.at_ms - from) <= NEAR);
    files.delete(file);
    return callers(from, to, number ? "" : turn.heard, place, fileOf(entry.audio, "audio", file));
  });
}

const callers = (from, to, text, turn, file) => (
  { side: "caller", from: from / 1000, to: to / 1000, heardTo: to / 1000, text: text ?? "", turn, file });

function assistantsOf(entry) {
  const blocks = [];
  entry.realtime.turns.forEach((turn, place) => {
    if (turn.kind !== "response" || !turn.response) return;
    const number = entry.said_audio.findIndex((row) => row.place === turn.response);
    const file = fileOf(entry.said_audio, "said", number);
    const from = (file ? file.row.at_ms : turn.began_ms) / 1000;
    const to = file ? from + file.row.duration : (turn.ended_ms ?? turn.began_ms) / 1000;
    const heardTo = turn.heard_until_ms == null ? to : Math.min(to, from + turn.heard_until_ms / 1000);
    const called = turn.tools.map((tool) => `${tool.name}()`).join(", ");
    blocks.push({ side: "assistant", from, to, heardTo, text: turn.said ?? called, turn: place, file });
  });
  return blocks;
}

const fileOf = (rows, what, number) => (number < 0 ? null : { what, number, row: rows[number] });
