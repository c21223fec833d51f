/** The page `try`: requests of the API as a user's program sends them: audio to text, text to speech, spoken chats. */
import { Failure, Field } from "../components/basic.js";
import { Tabs } from "../components/tabs.js";
import * as access from "../lib/access.js";
import { useJson } from "../lib/hooks.js";
import { html, useState } from "../lib/preact.js";
import { ChatForm } from "../try/chat-form.js";
import { SpeechForm } from "../try/speech-form.js";
import { TranscriptionForm } from "../try/transcription-form.js";

const KEY = "mockserver.try.key";
const DEFAULT_KEY = "sk-mock-try-it";

/** Show the page. */
export function Page() {
  const [apiKey, setKey] = useState(() => sessionStorage.getItem(KEY) || access.key() || DEFAULT_KEY);
  const { data, error } = useJson("/_mock/catalog");
  const change = (event) => {
    setKey(event.currentTarget.value.trim());
    sessionStorage.setItem(KEY, event.currentTarget.value.trim());
  };
  const form = (Form) => () => html`<${Form} models=${data.models} apiKey=${apiKey} />`;
  const tabs = [
    { name: "listen", title: "Audio to text", content: form(TranscriptionForm) },
    { name: "speak", title: "Text to speech", content: form(SpeechForm) },
    { name: "chat", title: "Spoken chat", content: form(ChatForm) },
  ];
  return html`<div class="stack">
    <div class="fields"><${Field} label="API key of the requests">${(id) => html`
      <input id=${id} value=${apiKey} autocomplete="off" spellcheck=${false} onInput=${change} />`}</${Field}></div>
    <${Failure} error=${error} />
    ${data && html`<${Tabs} tabs=${tabs} label="What to try" />`}
  </div>`;
}
