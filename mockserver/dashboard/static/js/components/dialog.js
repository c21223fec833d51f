/** A modal dialog. */
import { html, useEffect, useId, useRef } from "../lib/preact.js";

/**
 * Show a dialog with a title while the component exists. `onClose` is called by Escape and the button “Close”.
 *
 * `actions` are further buttons, after that one. At the end the focus returns to what had it, or to the page if that is
 * gone.
 */
export function Dialog({ title, onClose, actions = null, closeLabel = "Close", children }) {
  const element = useRef(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current.showModal();
    return () => (before?.isConnected ? before : document.getElementById("content")).focus();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${element} aria-labelledby=${id} onCancel=${cancel}>
    <div class="stack"><h2 id=${id}>${title}</h2>${children}</div>
    <div class="actions"><button type="button" onClick=${onClose}>${closeLabel}</button>${actions}</div>
  </dialog>`;
}
