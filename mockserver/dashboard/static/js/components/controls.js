/** The controls of every page: whose data are shown, the control token, and light or dark. */
import * as access from "../lib/access.js";
import { get } from "../lib/api.js";
import { html, useEffect, useState } from "../lib/preact.js";
import { Field, Notice } from "./basic.js";
import { Dialog } from "./dialog.js";

const THEME = "mockserver.theme";
const THEMES = [["", "As the system"], ["light", "Light"], ["dark", "Dark"]];

/** Show the controls, and ask for the control token if the server wants one. */
export function Controls() {
  const [refusal, setRefusal] = useState(null); // a new one each time, so that the dialog is shown again
  useEffect(() => {
    const check = () => get("/_mock/clock").then(
      () => setRefusal(null), (error) => setRefusal(error.status === 401 ? error : null));
    check();
    return access.onChange(check);
  }, []);
  return html`
    <${KeyField} />
    <${ThemeField} />
    ${refusal && html`<${TokenDialog} />`}`;
}

function KeyField() {
  const change = (event) => access.setKey(event.currentTarget.value.trim());
  return html`<${Field} label="Account">${(id) => html`
    <input id=${id} value=${access.key()} placeholder="All (or an API key)" autocomplete="off" spellcheck=${false}
      onChange=${change} />`}</${Field}>`;
}

function ThemeField() {
  const [theme, setTheme] = useState(localStorage.getItem(THEME) ?? "");
  const change = (event) => {
    localStorage.setItem(THEME, event.currentTarget.value);
    setTheme(event.currentTarget.value);
    applyTheme();
  };
  return html`<${Field} label="Colours">${(id) => html`
    <select id=${id} value=${theme} onChange=${change}>
      ${THEMES.map(([value, title]) => html`<option key=${value} value=${value}>${title}</option>`)}
    </select>`}</${Field}>`;
}

/** Show the page in the colours that were chosen in this browser. */
export function applyTheme() {
  const theme = localStorage.getItem(THEME);
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function TokenDialog() {
  const [typed, setTyped] = useState("");
  const [isClosed, setIsClosed] = useState(false);
  if (isClosed) return null;
  const submit = (event) => {
    event.preventDefault();
    access.setToken(typed.trim());
  };
  const send = html`<button type="submit" form="token" class="primary">Send it</button>`;
  return html`<${Dialog} title="This server has a control token" onClose=${() => setIsClosed(true)} actions=${send}>
    ${access.token() && html`<${Notice} kind="error">The token is wrong.</${Notice}>`}
    <form id="token" onSubmit=${submit}>
      <${Field} label="The server's setting control_token, which stays in this tab">${(id) => html`
        <input id=${id} type="password" autocomplete="off" value=${typed}
          onInput=${(event) => setTyped(event.currentTarget.value)} />`}</${Field}>
    </form>
  </${Dialog}>`;
}
