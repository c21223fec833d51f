/** The pieces of a stream on a time line, and one by one. */
import { bytes, count, duration } from "../lib/format.js";
import { html, useState } from "../lib/preact.js";
import { Copy, Empty } from "./basic.js";
import { Json } from "./json.js";

const HEIGHT = 76; // pixels of the time line, without its axis
const TICKS = 5; // about as many are on the axis

/** Show the stream of an entry of the journal. */
export function StreamPanel({ entry }) {
  const [chosen, choose] = useState(null);
  const pieces = entry.pieces ?? [];
  const show = (place) => {
    choose(place);
    document.getElementById(`piece-${place}`)?.scrollIntoView({ block: "nearest" });
  };
  return html`<section class="card stream" id="pieces" tabindex="-1" aria-labelledby="pieces-title">
    <div class="row apart">
      <h2 id="pieces-title">Stream</h2><p class="soft small">${totals(entry)}</p></div>
    ${pieces.length ? html`<${TimeLine} entry=${entry} pieces=${pieces} chosen=${chosen} onChoose=${show} />
      <ol class="pieces">${pieces.map((piece, place) => html`
        <${Row} key=${place} piece=${piece} place=${place} before=${pieces[place - 1]} chosen=${chosen === place}
          onToggle=${(isOpen) => choose(isOpen ? place : null)} />`)}</ol>`
      : html`<${Empty}>Nothing was sent ${entry.in_flight ? "yet" : "before the stream ended"}.</${Empty}>`}
    ${entry.pieces_dropped > 0 && html`<p class="soft">
      ${count(entry.pieces_dropped)} later pieces are not in the journal.</p>`}
  </section>`;
}

function totals(entry) {
  const parts = [`${count(entry.stream_pieces)} pieces`, bytes(entry.bytes_sent)];
  if (entry.stream_events !== null) parts.splice(1, 0, `${count(entry.stream_events)} events`);
  return [...parts, ...(entry.in_flight ? ["in flight"] : [])].join(", ");
}

function TimeLine({ entry, pieces, chosen, onChoose }) {
  const last = Math.max(entry.timing.total_ms ?? 0, pieces.at(-1).ms, 1);
  const largest = Math.max(...pieces.map((piece) => piece.bytes), 2);
  const place = (ms) => `${(1 + 98 * ms / last).toFixed(3)}%`;
  const height = (size) => 8 + (HEIGHT - 12) * Math.log2(1 + size) / Math.log2(1 + largest);
  const [from, to] = [pieces[0], pieces.at(-1)].map((piece) => duration(piece.ms));
  const anchor = (ms) => (ms === 0 ? "start" : ms > 0.95 * last ? "end" : "middle");
  return html`<svg class="time-line-of-pieces" height=${HEIGHT + 24} width="100%" role="img"
    aria-label=${`${count(pieces.length)} pieces from ${from} to ${to}`}>
    <line class="axis" x1="1%" x2="99%" y1=${HEIGHT} y2=${HEIGHT} />
    ${ticks(last).map((ms) => html`<g key=${`tick ${ms}`}>
      <line class="axis" x1=${place(ms)} x2=${place(ms)} y1=${HEIGHT} y2=${HEIGHT + 4} />
      <text x=${place(ms)} y=${HEIGHT + 18} text-anchor=${anchor(ms)}>
        ${ms === 0 ? "0" : duration(ms)}</text></g>`)}
    ${!entry.in_flight && html`<line class="end" x1=${place(last)} x2=${place(last)} y1="0" y2=${HEIGHT}>
      <title>The end, after ${duration(last)}</title></line>`}
    ${pieces.map(({ ms, bytes: size }, number) => html`
      <g key=${number} class=${number === chosen ? "piece chosen" : "piece"} onClick=${() => onChoose(number)}>
        <title>${`${number + 1}: ${duration(ms)}, ${bytes(size)}`}</title>
        <line x1=${place(ms)} x2=${place(ms)} y1=${HEIGHT - height(size)} y2=${HEIGHT - 1} /></g>`)}
  </svg>`;
}

/** Return round times from 0 to `last` milliseconds. */
function ticks(last) {
  const rough = last / TICKS;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((each) => each * unit >= rough) * unit;
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, number) => number * step);
}

function Row({ piece, place, before, chosen, onToggle }) {
  const toggle = (event) => {
    if (event.currentTarget.open !== chosen) onToggle(event.currentTarget.open);
  };
  return html`<li id=${`piece-${place}`}><details open=${chosen} onToggle=${toggle}>
    <summary><span class="soft">${place + 1}</span><span>${duration(piece.ms)}</span>
      <span class="soft">+${duration(piece.ms - (before?.ms ?? 0))}</span>
      <span class="soft">${bytes(piece.bytes)}</span>
      <code>${summaryOf(piece)}</code></summary>
    ${chosen && html`<${Content} piece=${piece} />`}
  </details></li>`;
}

function Content({ piece }) {
  if (piece.text === null) return html`<p class="soft">The text of this piece is not in the journal.</p>`;
  const values = eventsIn(piece.text).filter((each) => typeof each === "object");
  return html`<div class="stack"><div class="row"><${Copy} text=${piece.text} /></div>
    <pre>${piece.text}</pre>
    ${values.map((value, number) => html`<${Json} key=${number} value=${value} label="Event" />`)}</div>`;
}

/** Return what a piece says in a few characters. */
function summaryOf(piece) {
  if (piece.text === null) return "–";
  const said = eventsIn(piece.text).map((value) => (typeof value === "string" ? value : saidBy(value)));
  return said.length ? said.join(" ") : piece.text;
}

function saidBy(event) {
  const delta = event.choices?.[0]?.delta ?? event.delta;
  const text = typeof delta === "string" ? delta : delta?.content ?? delta?.audio?.transcript;
  const names = [event.type, event.choices?.[0]?.finish_reason].filter(Boolean);
  if (typeof text === "string") return [...names, JSON.stringify(text)].join(" ");
  return names.length ? names.join(" ") : JSON.stringify(delta ?? event);
}

/** Return the data of the events in a text: JSON values, or texts. */
function eventsIn(text) {
  const isData = (line) => line.startsWith("data:");
  const blocks = text.split(/\r?\n\r?\n/).map((block) => block.split(/\r?\n/).filter(isData));
  return blocks.filter((lines) => lines.length).map((lines) => {
    const data = lines.map((line) => line.slice(5).trimStart()).join("\n");
    try {
      return JSON.parse(data) ?? data;
    } catch {
      return data;
    }
  });
}
