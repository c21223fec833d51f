/** Audio files of the journal: read, decoded by the browser, and measured for a waveform. */
import { call } from "./api.js";

const RATE = 8000; // Hz, which is enough for a picture
const COLUMNS = 2000; // of a waveform at most
const LONGEST = 1800; // seconds of which a waveform is drawn

/** Return a file of the control API: `{blob, source}`; `source` is `kept` or `spoken-again`. Throws `ApiError`. */
export async function load(path) {
  const response = await call("GET", path);
  return { blob: await response.blob(), source: response.headers.get("x-mock-said") ?? "kept" };
}

/** Return the sound of a file: `{duration, peaks}`. Throws if the browser cannot decode it, or if it is too long. */
export async function decode(blob, expected) {
  if (expected > LONGEST) throw new RangeError("too long");
  const buffer = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
  return { duration: buffer.duration, peaks: peaksOf(buffer) };
}

/** Return the loudest sample of each column of a waveform, from 0 to 1, as a `Float32Array`. */
function peaksOf(buffer) {
  const columns = Math.min(COLUMNS, buffer.length);
  const peaks = new Float32Array(columns);
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    const samples = buffer.getChannelData(channel);
    for (let place = 0; place < samples.length; place += 1) {
      const column = Math.floor(place * columns / samples.length);
      peaks[column] = Math.max(peaks[column], Math.abs(samples[place]));
    }
  }
  return peaks;
}
