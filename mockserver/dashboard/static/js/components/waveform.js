/** A waveform, drawn on a canvas in the colours of the page. */
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib/preact.js";

const GAP = 1; // pixels between two bars
const BAR = 2; // pixels
const SOFT = 0.4; // opacity of what was not played yet

/**
 * Show a waveform. `peaks` are from 0 to 1; `played` is the part, from 0 to 1, that is drawn in the full
 * colour of `kind` (`caller` or `assistant`).
 */
export function Waveform({ peaks, played = 1, kind }) {
  const canvas = useRef(null);
  const [width, height, theme] = useLook(canvas);
  useLayoutEffect(() => {
    if (width) draw(canvas.current, width, height, peaks, played, kind);
  }, [width, height, theme, peaks, played, kind]);
  return html`<canvas ref=${canvas} class="waveform" aria-hidden="true"></canvas>`;
}

/** Return the size of an element in pixels, and a number that changes with the colours of the page. */
function useLook(element) {
  const [look, setLook] = useState([0, 0, 0]);
  useEffect(() => {
    const measured = element.current;
    const measure = () => setLook(([, , theme]) => {
      const { width, height } = measured.getBoundingClientRect();
      return [Math.round(width), Math.round(height), theme];
    });
    const recolour = () => setLook(([width, height, theme]) => [width, height, theme + 1]);
    const sizes = new ResizeObserver(measure);
    sizes.observe(measured);
    const themes = new MutationObserver(recolour);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", recolour);
    return () => {
      sizes.disconnect();
      themes.disconnect();
      system.removeEventListener("change", recolour);
    };
  }, []);
  return look;
}

function draw(canvas, width, height, peaks, played, kind) {
  const scale = devicePixelRatio;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  context.fillStyle = style.getPropertyValue(`--${kind}`);
  const bars = Math.max(1, Math.floor(width / (BAR + GAP)));
  const loudest = peaks.reduce((most, each) => Math.max(most, each), 0.05);
  for (let bar = 0; bar < bars; bar += 1) {
    const first = Math.floor(bar * peaks.length / bars);
    const last = Math.max(first + 1, Math.floor((bar + 1) * peaks.length / bars));
    const peak = peaks.subarray(first, last).reduce((most, each) => Math.max(most, each), 0) / loudest;
    const length = Math.max(1, peak * (height - 2));
    context.globalAlpha = bar / bars < played ? 1 : SOFT;
    context.fillRect(bar * (BAR + GAP), (height - length) / 2, BAR, length);
  }
}
