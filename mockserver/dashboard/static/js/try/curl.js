/** The equivalent curl commands of requests. */
import { Copy } from "../components/basic.js";
import { ROOT } from "../lib/api.js";
import { html } from "../lib/preact.js";

const PLAIN = /^[\w@%+=:,./-]+$/;

/** Return the command that sends a form: `fields` are pairs, `files` names and file names. */
export function curlOfForm(path, key, fields, files) {
  const given = fields.map(([name, value]) => `-F ${quoted(`${name}=${value}`)}`);
  const sent = files.map(([name, file]) => `-F ${quoted(`${name}=@${fileName(file)}`)}`);
  return command(path, key, [...given, ...sent]);
}

/** Return the command that sends a JSON value; `output` is a file for the answer. */
export function curlOfJson(path, key, value, output = "") {
  const data = `-d ${quoted(JSON.stringify(value, null, 2))}`;
  return command(path, key, ['-H "content-type: application/json"', data, ...(output && [`-o ${output}`])]);
}

/** Show a command. */
export const Curl = ({ text }) => html`<details class="card">
  <summary>The same with curl</summary>
  <div class="stack"><pre class="curl" tabindex="0">${text}</pre><div><${Copy} text=${text} /></div></div>
</details>`;

function command(path, key, options) {
  const url = quoted(location.origin + ROOT + path);
  return [`curl ${url}`, `-H ${quoted(`Authorization: Bearer ${key}`)}`, ...options].join(" \\\n  ");
}

/** Return a text as one word of a shell. */
const quoted = (text) => (PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Return a file name as curl reads it after `@`. */
const fileName = (name) => (PLAIN.test(name) && !/[,]/.test(name) ? name : `"${name.replace(/["\\]/g, "\\$&")}"`);
