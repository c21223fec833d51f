/** Samples of audio: played while they arrive, and as WAV files. */

/** The samples per second of speech in the formats `pcm`, `pcm16` and `wav`. */
export const RATE = 24_000;
const HEADER = 44; // bytes of a WAV file before its samples
const AHEAD = 0.1; // seconds between the arrival of the first samples and their sound

/**
 * Return a player of 16-bit samples in mono.
 *
 * `push(bytes)` plays them after those before; `end()` returns a promise of the end of the last ones; `stop()`, which
 * must be called at last, is silent at once.
 */
export function samplePlayer() {
  const context = new AudioContext({ sampleRate: RATE });
  let next = 0;
  let timer = 0;
  let ended = () => {};
  let rest = new Uint8Array();
  return {
    push(bytes) {
      const all = joined([rest, bytes]);
      const whole = all.length - (all.length % 2);
      rest = all.slice(whole);
      if (!whole || context.state === "closed") return;
      const source = context.createBufferSource();
      source.buffer = bufferOf(context, all.subarray(0, whole));
      source.connect(context.destination);
      next = Math.max(next, context.currentTime + AHEAD);
      source.start(next);
      next += source.buffer.duration;
    },
    end() {
      const left = Math.max(0, next - context.currentTime);
      timer = setTimeout(this.stop, 1000 * left);
      return new Promise((resolve) => {
        ended = resolve;
      });
    },
    stop() {
      clearTimeout(timer);
      if (context.state !== "closed") context.close();
      ended();
    },
  };
}

/** Return a function that skips the header of a WAV file, whose bytes arrive in pieces. */
export function withoutHeader() {
  let left = HEADER;
  return (bytes) => {
    const skipped = Math.min(left, bytes.length);
    left -= skipped;
    return bytes.subarray(skipped);
  };
}

/** Return pieces of bytes as one. */
export function joined(pieces) {
  const all = new Uint8Array(pieces.reduce((sum, each) => sum + each.length, 0));
  let place = 0;
  for (const each of pieces) {
    all.set(each, place);
    place += each.length;
  }
  return all;
}

/** Return the bytes that a Base64 text stands for. */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));

/** Return bytes as Base64. */
export function toBase64(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; at += 0x8000) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  }
  return btoa(parts.join(""));
}

/** Return 16-bit samples in mono as a WAV file. */
export function wavOf(bytes, rate = RATE) {
  const header = new DataView(new ArrayBuffer(HEADER));
  const text = (at, value) => [...value].forEach((each, index) => header.setUint8(at + index, each.charCodeAt(0)));
  text(0, "RIFF");
  header.setUint32(4, HEADER - 8 + bytes.length, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true); // bytes of the format
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // channels
  header.setUint32(24, rate, true);
  header.setUint32(28, 2 * rate, true); // bytes per second
  header.setUint16(32, 2, true); // bytes per sample
  header.setUint16(34, 16, true); // bits per sample
  text(36, "data");
  header.setUint32(40, bytes.length, true);
  return new Blob([header, bytes], { type: "audio/wav" });
}

/** Return an audio file, which the browser decodes, as a WAV file in mono. Throws if it cannot be decoded. */
export async function asWav(file) {
  const context = new OfflineAudioContext(1, 1, RATE);
  const decoded = await context.decodeAudioData(await file.arrayBuffer());
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, index) => decoded.getChannelData(index));
  const samples = Int16Array.from(channels[0], (_, index) => {
    const mean = channels.reduce((sum, each) => sum + each[index], 0) / channels.length;
    return Math.round(32_767 * Math.max(-1, Math.min(1, mean)));
  });
  return wavOf(new Uint8Array(samples.buffer), decoded.sampleRate);
}

function bufferOf(context, bytes) {
  const samples = new Int16Array(bytes.slice().buffer);
  const buffer = context.createBuffer(1, samples.length, RATE);
  buffer.copyToChannel(Float32Array.from(samples, (each) => each / 32_768), 0);
  return buffer;
}
