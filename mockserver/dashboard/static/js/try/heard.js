/** The answer to a transcription: its text, its events, and as it was sent. */
import { Json } from "../components/json.js";
import { Tabs } from "../components/tabs.js";
import { count, duration } from "../lib/format.js";
import { html } from "../lib/preact.js";

/** Show an `answer`, of which `heard` was read (see `readAnswer`). */
export function Heard({ heard, answer, running }) {
  const { text, json, usage } = heard;
  const raw = () => (json === undefined ? html`<pre tabindex="0">${answer.text}</pre>` : html`<${Json} value=${json} />`);
  const tabs = [
    { name: "text", title: "Text", content: () => html`<p class="heard" aria-busy=${String(running)}>${text}</p>` },
    { name: "raw", title: "As it was sent", content: raw },
    ...(answer.events ? [{ name: "events", title: "Events", content: () => html`
      <${Events} events=${answer.events} />` }] : []),
  ];
  return html`<section class="card stack" aria-label="Transcript">
    <${Tabs} tabs=${tabs} label="Forms of the transcript" />
    ${usage && html`<p class="soft small">${usageWords(usage)}</p>`}
  </section>`;
}

const Events = ({ events }) => html`<div class="scroll"><table>
  <thead><tr><th scope="col" class="number">After</th><th scope="col">Event</th><th scope="col">Text</th></tr></thead>
  <tbody>${events.map(({ ms, event }) => html`<tr>
    <td class="number">${duration(ms)}</td><td><code>${event.type}</code></td><td>${event.delta ?? event.text ?? ""}</td>
  </tr>`)}</tbody>
</table></div>`;

function usageWords(usage) {
  if (usage.type === "duration") return `Usage: ${count(usage.seconds)} seconds of audio`;
  return `Usage: ${count(usage.input_tokens)} tokens in, ${count(usage.output_tokens)} out`;
}
