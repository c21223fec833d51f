/** A player of an audio file of the journal, with its waveform and its transcript. */
import { bytes, position as positionText } from "../lib/format.js";
import { html, useCallback, useEffect, useMemo, useRef, useState } from "../lib/preact.js";
import { decode, load } from "../lib/sound.js";
import { Badge, Notice } from "./basic.js";
import { Transcript } from "./transcript.js";
import { Waveform } from "./waveform.js";

const STEPS = { ArrowLeft: -0.5, ArrowDown: -0.5, ArrowRight: 0.5, ArrowUp: 0.5, PageDown: -5, PageUp: 5 }; // seconds
const SPEEDS = [0.5, 0.75, 1, 1.5, 2];

/**
 * Show a player. `path` is that of the file in the control API, `file` its row in the journal, `name` what it is, `kind`
 * whose it is: `caller` or `assistant`. Without `eager` the file is read when the user asks for it.
 */
export function Player({ path, file, name, kind, eager = true }) {
  const [isWanted, setIsWanted] = useState(eager);
  const isLost = file.kept === false && file.voice == null; // neither kept, nor speech that can be spoken again
  const audio = useFile(isWanted && !isLost ? path : null, file.duration);
  return html`<article class="player ${kind}" aria-label=${name}>
    <div class="row apart">
      <h3>${name}</h3>
      <div class="row">
        ${audio.source === "spoken-again" && html`<${Badge} kind="warn" title="It was not kept: the text is spoken again.">
          spoken again</${Badge}>`}
        <span class="soft small">${factsOf(file)}</span>
      </div>
    </div>
    ${isLost && html`<${NotKept}>The audio was not kept, or was evicted.</${NotKept}>`}
    ${!isWanted && !isLost && html`<button type="button" onClick=${() => setIsWanted(true)}>Load the audio</button>`}
    ${audio.error && html`<${Missing} error=${audio.error} />`}
    ${audio.url ? html`<${Deck} audio=${audio} file=${file} name=${name} kind=${kind} />`
      : html`<${Words} file=${file} onSeek=${() => {}} />`}
  </article>`;
}

/** Return the file at a path as `{url, source, sound, problem, error}`, each once it is known; without a path nothing. */
function useFile(path, duration) {
  const [state, setState] = useState({});
  useEffect(() => {
    if (!path) return undefined;
    let url = "";
    let isOver = false;
    const change = (more) => isOver || setState((before) => ({ ...before, ...more }));
    const read = async () => {
      const { blob, source } = await load(path);
      if (isOver) return;
      url = URL.createObjectURL(blob);
      change({ url, source });
      try {
        change({ sound: await decode(blob, duration) });
      } catch (error) {
        change({ problem: error instanceof RangeError ? "long" : "undecodable" });
      }
    };
    setState({});
    read().catch((error) => change({ error }));
    return () => {
      isOver = true;
      URL.revokeObjectURL(url);
    };
  }, [path]);
  return state;
}

/** Show the controls, the waveform and the transcript of a file that was read; with `autoplay` it is played at once. */
export function Deck({ audio, file, name, kind, autoplay = false }) {
  const element = useRef(null);
  const [isPlaying, setIsPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [position, setPosition] = useState(0);
  const duration = audio.sound?.duration ?? file.duration ?? 0;
  const seek = useCallback((seconds) => {
    element.current.currentTime = seconds;
    setPosition(seconds);
  }, []);
  const toggle = () => {
    if (!element.current.paused) element.current.pause();
    else element.current.play().catch(() => {}); // a notice says that it cannot be decoded
  };
  usePosition(element, isPlaying, setPosition);
  return html`
    <audio ref=${element} src=${audio.url} preload="auto" autoplay=${autoplay} onPlay=${() => setIsPlaying(true)}
      onPause=${() => setIsPlaying(false)} onEnded=${() => setIsPlaying(false)}></audio>
    ${audio.problem && html`<${Undecodable} file=${file} problem=${audio.problem} />`}
    <${Track} audio=${audio} name=${name} kind=${kind} duration=${duration} position=${position} file=${file}
      onSeek=${seek} onToggle=${toggle} />
    <div class="row">
      <button type="button" class="primary" onClick=${toggle}>${isPlaying ? "Pause" : "Play"}
        <span class="visually-hidden"> ${name}</span></button>
      <span class="position">${positionText(position)} / ${positionText(duration)}</span>
      <label class="small">Speed ${" "}
        <select value=${speed} onChange=${(event) => {
          element.current.playbackRate = Number(event.currentTarget.value);
          setSpeed(element.current.playbackRate);
        }}>${SPEEDS.map((each) => html`<option key=${each} value=${each}>${each}×</option>`)}</select></label>
      <a href=${audio.url} download=${file.file || "audio"}>Download<span class="visually-hidden"> ${name}</span></a>
    </div>
    <${Words} file=${file} position=${position} onSeek=${seek} />`;
}

/** Keep the position up to date: with every picture while the audio plays. */
function usePosition(element, isPlaying, setPosition) {
  useEffect(() => {
    if (!isPlaying) return undefined;
    let frame = 0;
    const follow = () => {
      setPosition(element.current.currentTime);
      frame = requestAnimationFrame(follow);
    };
    follow();
    return () => cancelAnimationFrame(frame);
  }, [isPlaying]);
}

/** Show the waveform with its segments. It is a slider: the mouse and the arrow keys move the position. */
function Track({ audio, name, kind, duration, position, file, onSeek, onToggle }) {
  const press = (event) => {
    const step = STEPS[event.key];
    if (event.key !== " " && !step) return;
    event.preventDefault();
    if (step) onSeek(Math.min(Math.max(position + step, 0), duration));
    else onToggle();
  };
  const at = duration ? position / duration : 0;
  return html`<div class="track">
    ${audio.sound && html`<${Waveform} peaks=${audio.sound.peaks} played=${at} kind=${kind} />`}
    <span class="head" style=${{ left: `${100 * at}%` }}></span>
    <input type="range" min="0" max=${duration} step="0.01" value=${position} aria-label=${`Position in ${name}`}
      aria-valuetext=${`${positionText(position)} of ${positionText(duration)}`} onKeyDown=${press}
      onInput=${(event) => onSeek(Number(event.currentTarget.value))} />
    <${Strip} transcript=${file.transcript} duration=${duration} position=${position} onSeek=${onSeek} />
  </div>`;
}

/**
 * Show where the segments are, or the words of a single one. The transcript below has them for the keyboard and for
 * screen readers.
 */
function Strip({ transcript, duration, position, onSeek }) {
  const parts = useMemo(() => stripOf(transcript), [transcript]);
  if (!duration || !parts.length) return null;
  return html`<div class="strip" aria-hidden="true">${parts.map(({ start, end, text, label }, number) => html`
    <span key=${number} class=${position >= start && position < end && position > 0 ? "current" : ""} title=${text}
      style=${{ left: `${100 * start / duration}%`, width: `${100 * Math.max(end - start, 0) / duration}%` }}
      onClick=${() => onSeek(start)}>${label}</span>`)}</div>`;
}

function stripOf(transcript) {
  const { segments = [], words } = transcript ?? {};
  if (segments.length === 1 && words) return words.map((each) => ({ ...each, text: each.word, label: each.word }));
  return segments.map((each) => ({ ...each, label: each.speaker ?? each.text }));
}

function Words({ file, position = 0, onSeek }) {
  if (file.transcript?.segments.length) {
    return html`<${Transcript} transcript=${file.transcript} position=${position} onSeek=${onSeek} />`;
  }
  const text = file.text ?? file.heard;
  return text ? html`<p class="spoken-text">${text}</p>` : null;
}

const Undecodable = ({ file, problem }) => html`<${Notice} kind="warn">
  ${problem === "long" ? "It is longer than 30 minutes, so its waveform is not drawn." : html`This browser cannot decode it
    (${[file.container, file.codec].filter(Boolean).join(", ") || "an unknown format"}). Download it to hear it.`}
</${Notice}>`;

const Missing = ({ error }) => (error.status === 404 ? html`<${NotKept}>${error.message}</${NotKept}>`
  : html`<${Notice} kind="error"><p>${error.message}</p></${Notice}>`);

const NotKept = ({ children }) => html`<${Notice} kind="warn">
  <p>${children}</p>
  <p>To keep the audio of exchanges from now on, start the server with <code>--keep-audio 100000000</code> (bytes).</p>
</${Notice}>`;

function factsOf(file) {
  const facts = [file.voice && `voice ${file.voice}`, file.speed && file.speed !== 1 && `speed ${file.speed}`,
    [file.container, file.codec].filter(Boolean).join("/"), file.sample_rate && `${file.sample_rate / 1000} kHz`,
    file.channels > 1 && `${file.channels} channels`, file.size != null && bytes(file.size)];
  return facts.filter(Boolean).join(" · ");
}
