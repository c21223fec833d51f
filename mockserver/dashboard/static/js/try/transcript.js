/** The answer to a transcription, in every format of the API. */
import { Badge } from "../components/basic.js";
import { Json } from "../components/json.js";
import { Tabs } from "../components/tabs.js";
import { count, duration, position } from "../lib/format.js";
import { html, useEffect, useMemo, useState } from "../lib/preact.js";

const CUE = /^(?:(\d+):)?(\d+):(\d+)[.,](\d+) --> (?:(\d+):)?(\d+):(\d+)[.,](\d+)/;

/** Show `answer`: its text, its segments and words beside the audio in `player`, and as it was sent. */
export function Transcript({ answer, player, running }) {
  const read = useMemo(() => (answer ? readAnswer(answer) : null), [answer]);
  if (!read) return null;
  const { text, segments, words, json, usage } = read;
  const tabs = [
    ...(segments.length ? [{ name: "segments", title: "Segments", content: () => html`
      <${Timed} parts=${segments} player=${player} />` }] : []),
    { name: "text", title: "Text", content: () => html`<p class="heard" aria-busy=${String(running)}>${text}</p>` },
    ...(words.length ? [{ name: "words", title: "Words", content: () => html`
      <${Timed} parts=${words} player=${player} inline=${true} />` }] : []),
    ...(answer.events ? [{ name: "events", title: "Events", content: () => html`<${Events} events=${answer.events} />` }] : []),
    { name: "raw", title: "As it was sent", content: () => json === undefined
      ? html`<pre tabindex="0">${answer.text}</pre>` : html`<${Json} value=${json} />` },
  ];
  return html`<section class="card" aria-label="Transcript">
    <${Tabs} key=${`${answer.format} ${segments.length > 0}`} tabs=${tabs} label="Forms of the transcript" />
    ${usage && html`<p class="soft small">${usageWords(usage)}</p>`}
  </section>`;
}

/** Return `{text, segments, words, json, usage}` of an answer in any format. */
function readAnswer({ format, text, events }) {
  if (events) {
    const of = (type) => events.map((each) => each.event).filter((each) => each.type === type);
    const [done] = of("transcript.text.done");
    const json = events.map((each) => each.event);
    return { text, segments: of("transcript.text.segment"), words: [], json, usage: done?.usage };
  }
  if (format === "srt" || format === "vtt") {
    const segments = cuesOf(text);
    return { text: segments.map((each) => each.text).join(" "), segments, words: [], json: undefined };
  }
  const json = format === "text" ? undefined : parsed(text);
  const { segments = [], words = [], usage } = json ?? {};
  return { text: json?.text ?? text, segments: segments ?? [], words: words ?? [], json, usage };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Return the cues of subtitles (SRT or WebVTT) as segments. */
function cuesOf(text) {
  return text.split(/\r?\n\r?\n/).flatMap((block) => {
    const lines = block.split(/\r?\n/);
    const at = lines.findIndex((line) => CUE.test(line));
    if (at < 0) return [];
    const [, ...parts] = CUE.exec(lines[at]);
    const seconds = ([hours = 0, minutes, whole, thousandths]) =>
      3600 * hours + 60 * minutes + Number(whole) + thousandths / 1000;
    const words = lines.slice(at + 1).join(" ").trim();
    return [{ start: seconds(parts.slice(0, 4)), end: seconds(parts.slice(4)), text: words }];
  });
}

/** Show segments or words, of which each plays the audio from its beginning; the current one is marked. */
function Timed({ parts, player, inline = false }) {
  const time = usePlayingTime(player);
  const speakers = [...new Set(parts.map((each) => each.speaker).filter((each) => each != null))];
  const play = (start) => {
    if (!player.current) return;
    player.current.currentTime = start;
    player.current.play();
  };
  return html`<ol class=${inline ? "timed inline" : "timed"}>${parts.map((each) => html`<li>
    <button type="button" class=${`quiet part speaker-${speakers.indexOf(each.speaker) % 4}`}
      aria-current=${time >= each.start && time < each.end ? "time" : undefined}
      title=${`${position(each.start)} to ${position(each.end)}`} onClick=${() => play(each.start)}>
      ${!inline && html`<span class="mono soft">${position(each.start)}</span>`}
      ${each.speaker != null && html`<${Badge}>${each.speaker}</${Badge}>`}
      <span>${(each.text ?? each.word).trim()}</span>
    </button></li>`)}</ol>`;
}

/** Return the time of the player in seconds while it plays; -1 before. */
function usePlayingTime(player) {
  const [time, setTime] = useState(-1);
  useEffect(() => {
    const element = player.current;
    if (!element) return undefined;
    const show = () => setTime(element.currentTime);
    const names = ["timeupdate", "seeked"];
    for (const name of names) element.addEventListener(name, show);
    return () => names.forEach((name) => element.removeEventListener(name, show));
  }, [player.current]);
  return time;
}

const Events = ({ events }) => html`<div class="scroll"><table>
  <thead><tr><th scope="col">After</th><th scope="col">Event</th><th scope="col">Text</th></tr></thead>
  <tbody>${events.map(({ ms, event }) => html`<tr>
    <td class="number">${duration(ms)}</td><td><code>${event.type}</code></td><td>${event.delta ?? event.text ?? ""}</td>
  </tr>`)}</tbody>
</table></div>`;

function usageWords(usage) {
  if (usage.type === "duration") return `Usage: ${count(usage.seconds)} seconds of audio`;
  return `Usage: ${count(usage.input_tokens)} tokens in, ${count(usage.output_tokens)} out`;
}
