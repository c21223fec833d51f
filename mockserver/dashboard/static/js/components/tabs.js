/** Tabs, of which one is shown. */
import { html, useId, useState } from "../lib/preact.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/** Show one of `tabs`: `[{name, title, content}]`, where `content` is a function. The arrow keys move between them. */
export function Tabs({ tabs, label, initial }) {
  const [current, setCurrent] = useState(initial ?? tabs[0].name);
  const id = useId();
  const shown = tabs.find((each) => each.name === current) ?? tabs[0];
  const move = (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(shown) + step + tabs.length) % tabs.length];
    setCurrent(next.name);
    document.getElementById(`${id}-${next.name}`).focus();
  };
  return html`<div class="stack">
    <div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>
      ${tabs.map((each) => html`<button type="button" role="tab" id=${`${id}-${each.name}`} key=${each.name}
        aria-selected=${String(each === shown)} aria-controls=${`${id}-panel`} tabindex=${each === shown ? 0 : -1}
        onClick=${() => setCurrent(each.name)}>${each.title}</button>`)}
    </div>
    <div role="tabpanel" id=${`${id}-panel`} aria-labelledby=${`${id}-${shown.name}`} tabindex="0">
      ${shown.content()}</div>
  </div>`;
}
