/** A dialog with the code that sends an exchange again. */
import { Copy, Notice } from "../components/basic.js";
import { Dialog } from "../components/dialog.js";
import { Tabs } from "../components/tabs.js";
import { html } from "../lib/preact.js";

const KINDS = [
  ["curl", "curl", "Run it in bash. The API key comes from the variable OPENAI_API_KEY."],
  ["python", "Python", "Run it with Python. The API key comes from the variable OPENAI_API_KEY."],
  ["test", "Test", "Save it as test_exchange.py, and put the code under test in the place of the call."],
];

/** Show it; `code` is the exchange as code. */
export function CodeDialog({ code, onClose }) {
  const tabs = KINDS.map(([name, title, hint]) => ({
    name,
    title,
    content: () => html`
      <${Code} text=${code[name]} reason=${code.missing[name]} hint=${hint} title=${title} />`,
  }));
  return html`<${Dialog} title="Copy as code" onClose=${onClose}>
    <${Tabs} tabs=${tabs} label="Kinds of code" />
  </${Dialog}>`;
}

function Code({ text, reason, hint, title }) {
  if (text === null) return html`<${Notice} kind="warn">${reason}</${Notice}>`;
  return html`<div class="stack">
    <div class="row apart"><p class="soft">${hint}</p><${Copy} text=${text} /></div>
    <div class="preview"><pre tabindex="0" aria-label=${title}>${text}</pre></div>
  </div>`;
}
