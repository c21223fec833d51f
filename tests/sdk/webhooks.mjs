// A session with the npm SDK: a program takes webhooks, and unwraps them with the secret of its endpoint and another.
// Prints one JSON object. Run with OPENAI_BASE_URL and OPENAI_API_KEY set, and the folder of `openai` in SDK.

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const { default: OpenAI } = await import(pathToFileURL(`${process.env.SDK}/index.mjs`));

const client = new OpenAI({ maxRetries: 0 });
const received = [];
const server = createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    received.push({ body: Buffer.concat(pieces).toString(), headers: request.headers });
    response.writeHead(204).end();
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const url = `http://127.0.0.1:${server.address().port}/webhook`;
const endpoint = await client.webhooks.create({ name: "node", url, event_types: ["response.completed"] });
const result = await client.webhooks.test(endpoint.id, { event_type: "response.completed" });
const [{ body, headers }] = received;
const seen = { status: result.status_code };
seen.event = await client.webhooks.unwrap(body, headers, endpoint.signing_secret);
const other = (await client.webhooks.rotateSecret(endpoint.id, {})).signing_secret;
seen.refused = await client.webhooks.unwrap(body, headers, other).catch((error) => error.constructor.name);
server.close();
server.closeAllConnections();

console.log(JSON.stringify(seen));
