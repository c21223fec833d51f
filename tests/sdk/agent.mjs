// An agent with the SDK for TypeScript of the Model Context Protocol: tools, a resource, an error.
// Prints one JSON object. Run with OPENAI_BASE_URL and OPENAI_API_KEY set, the folder of `openai` in SDK, and the
// command that starts the MCP server in MCP.

import { pathToFileURL } from "node:url";

const sdk = (path) => import(pathToFileURL(`${process.env.SDK}/../@modelcontextprotocol/sdk/dist/esm/${path}`));
const { Client } = await sdk("client/index.js");
const { StdioClientTransport } = await sdk("client/stdio.js");

const [command, ...options] = JSON.parse(process.env.MCP);
const url = ["--url", process.env.OPENAI_BASE_URL, "--api-key", process.env.OPENAI_API_KEY];
const client = new Client({ name: "agent", version: "1.0.0" });
await client.connect(new StdioClientTransport({ command, args: [...options, ...url], stderr: "inherit" }));

const use = async (name, args = {}) => client.callTool({ name, arguments: args });
const seen = {};
seen.tools = (await client.listTools()).tools.map((tool) => tool.name);
const stub = await use("add_stub", { when: { endpoint: "chat" }, reply: { text: "Scripted by an agent." } });
seen.stub = JSON.parse(stub.content[0].text);
seen.wrong = await use("add_fault", { fault: "fire" });
const guide = await client.readResource({ uri: "mockserver://docs/stubs.md" });
seen.guide = guide.contents[0].text.slice(0, 7);
await client.close();
console.log(JSON.stringify(seen));
