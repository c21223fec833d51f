/** Records the microphone. */
import { Badge, Notice } from "../components/basic.js";
import { position } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/preact.js";

const NO_MICROPHONE = "A browser gives a page the microphone only at localhost or over HTTPS. Choose a file instead.";
const EXTENSIONS = { "audio/webm": "webm", "audio/mp4": "mp4", "audio/ogg": "ogg" };

/** Show a button that records, with the level and the time; `onFile(file)` is called at the end. */
export function Recorder({ onFile }) {
  const [recording, setRecording] = useState(null);
  const [problem, setProblem] = useState("");
  const isOver = useRef(false);
  const isAsking = useRef(false); // the browser may ask the user first
  useEffect(() => () => recording?.end(), [recording]);
  useEffect(() => () => {
    isOver.current = true;
  }, []);
  const begin = async () => {
    if (isAsking.current) return;
    isAsking.current = true;
    setProblem("");
    try {
      const begun = await recordingOf((file) => {
        setRecording(null);
        if (file && !isOver.current) onFile(file);
      });
      if (isOver.current) begun.end();
      else setRecording(begun);
    } catch (error) {
      setProblem(navigator.mediaDevices ? `The microphone cannot be used: ${error.message}` : NO_MICROPHONE);
    }
    isAsking.current = false;
  };
  return html`<div class="row">
    <button type="button" class=${recording ? "danger" : ""} onClick=${recording?.end ?? begin}>
      ${recording ? "Stop recording" : "Record from the microphone"}</button>
    ${recording && html`<${Level} recording=${recording} />`}
    ${problem && html`<${Notice} kind="error">${problem}</${Notice}>`}
  </div>`;
}

/** Begin a recording. Return it; `onEnd(file)` is called at its end, with `null` if nothing was recorded. */
async function recordingOf(onEnd) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream);
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const pieces = [];
  recorder.ondataavailable = (event) => event.data.size && pieces.push(event.data);
  recorder.onstop = () => {
    for (const track of stream.getTracks()) track.stop();
    context.close();
    const type = recorder.mimeType.split(";")[0];
    const name = `recording.${EXTENSIONS[type] ?? "webm"}`;
    onEnd(pieces.length ? new File(pieces, name, { type }) : null);
  };
  recorder.start(250);
  return { analyser, began: performance.now(), end: () => recorder.state !== "inactive" && recorder.stop() };
}

/** Show how loud it is, and how long. */
function Level({ recording }) {
  const meter = useRef(null);
  const time = useRef(null);
  useEffect(() => {
    const [level, passed] = [meter.current, time.current];
    const samples = new Float32Array(recording.analyser.fftSize);
    let frame = 0;
    const show = () => {
      recording.analyser.getFloatTimeDomainData(samples);
      level.value = Math.max(...samples.map(Math.abs));
      passed.textContent = position((performance.now() - recording.began) / 1000);
      frame = requestAnimationFrame(show);
    };
    show();
    return () => cancelAnimationFrame(frame);
  }, [recording]);
  return html`<meter ref=${meter} min="0" max="1" aria-label="Level of the microphone"></meter>
    <${Badge} kind="bad">recording <span ref=${time}></span></${Badge}>`;
}
