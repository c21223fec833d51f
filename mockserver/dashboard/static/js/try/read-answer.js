/** Reads the answers to transcriptions, in every format of the API. */

const CUE = /^(?:(\d+):)?(\d+):(\d+)[.,](\d+) --> (?:(\d+):)?(\d+):(\d+)[.,](\d+)/;

/**
 * Return `{text, transcript, json, usage}` of an answer: its text, its times (see the component `Transcript`), its
 * value, `undefined` if it is no JSON, and its usage.
 */
export function readAnswer({ format, text, events }) {
  if (events) return ofEvents(text, events.map((each) => each.event));
  if (format === "srt" || format === "vtt") {
    const segments = cuesOf(text);
    return { text: segments.map((each) => each.text).join(" "), transcript: timed(segments) };
  }
  const json = format === "text" ? undefined : parsed(text);
  return {
    text: json?.text ?? text, json, usage: json?.usage, transcript: timed(json?.segments, json?.words, json?.text),
  };
}

function ofEvents(text, events) {
  const of = (type) => events.filter((each) => each.type === type);
  const [done] = of("transcript.text.done");
  return { text, json: events, usage: done?.usage, transcript: timed(of("transcript.text.segment")) };
}

/** Return a transcript of segments and words, `undefined` without either. */
function timed(segments, words = null, text = "") {
  if (segments?.length) return { segments, words };
  if (!words?.length) return undefined;
  return { segments: [{ start: words[0].start, end: words.at(-1).end, text }], words };
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
    const words = lines.slice(at + 1).join(" ").trim();
    return [{ start: secondsOf(parts.slice(0, 4)), end: secondsOf(parts.slice(4)), text: words }];
  });
}

const secondsOf = ([hours = 0, minutes, whole, thousandths]) =>
  3600 * hours + 60 * minutes + Number(whole) + thousandths / 1000;
