/** The request or the answer of an exchange: its body, its headers, and what it says. */
import { bytes, count } from "../lib/format.js";
import { html } from "../lib/preact.js";
import { Copy, Empty, Facts } from "./basic.js";
import { Json } from "./json.js";
import { Tabs } from "./tabs.js";
import { LongText } from "./text.js";

/**
 * Show a message. `texts` are names and texts: what was said, asked and heard; `tables` are names and objects with
 * texts, such as headers. `id` is that of the section, for links to it. `children` are shown if there is no body.
 */
export function MessagePanel({ id, title, body, texts, tables, children }) {
  const said = texts.filter(([, text]) => text).map(([name, text]) => [name, shortened(text)]);
  const tabs = [
    {
      name: "body",
      title: "Body",
      content: () => html`<${Body} body=${body} title=${title}>${children}</${Body}>`,
    },
    ...tables.map(([name, table]) => ({
      name,
      title: `${name} (${count(Object.keys(table).length)})`,
      content: () => html`<${Table} name=${`${title}: ${name}`} table=${table} />`,
    })),
  ];
  return html`<section class="card message" id=${id} tabindex="-1" aria-labelledby=${`${id}-title`}>
    <h2 id=${`${id}-title`}>${title}</h2>
    ${said.map(([name, text]) => html`<figure key=${name} class="said">
      <figcaption class="row apart"><span>${name}</span><${Copy} text=${text} /></figcaption>
      <blockquote><${LongText} text=${text} /></blockquote></figure>`)}
    <${Tabs} label=${title} tabs=${tabs} />
  </section>`;
}

/** Return a text of the journal, which has of a long one `{length, starts}`. */
const shortened = (text) => (typeof text === "string" ? text : `${text.starts}…`);

/** Show a body as the journal has it: JSON, a text, or the size of other data. */
function Body({ body, title, children }) {
  if (body === null || isEmpty(body)) return children ?? html`<${Empty}>There is no body.</${Empty}>`;
  if (typeof body === "string") {
    return html`<div class="row json-tools"><${Copy} text=${body} /></div>
      <pre class="whole"><${LongText} text=${body} /></pre>`;
  }
  if (isSize(body)) {
    return html`<${Facts} rows=${[["Size", bytes(body.bytes)], ["SHA-256", body.sha256]]} />
      <p class="soft small">The journal keeps the size of such data, not the data.</p>`;
  }
  return html`<${Json} value=${body} label=${`${title}: body`} />`;
}

const isEmpty = (body) => typeof body === "object" && !Object.keys(body).length;

/** Return whether a body is only its size, and perhaps its hash. */
const isSize = (body) => typeof body.bytes === "number"
  && Object.keys(body).every((name) => name === "bytes" || name === "sha256");

function Table({ name, table }) {
  const rows = Object.entries(table);
  if (!rows.length) return html`<${Empty}>There are none.</${Empty}>`;
  const text = rows.map(([key, value]) => `${key}: ${value}`).join("\n");
  return html`<div class="row json-tools"><${Copy} text=${text} /></div>
    <table class="headers"><caption class="visually-hidden">${name}</caption>
      <thead class="visually-hidden"><tr><th scope="col">Name</th><th scope="col">Value</th></tr></thead>
      <tbody>${rows.map(([key, value]) => html`<tr key=${key}><th scope="row">${key}</th>
        <td><${LongText} text=${[value].flat().join("\n")} /></td></tr>`)}</tbody>
    </table>`;
}
