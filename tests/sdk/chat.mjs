// Chats with the npm SDK: listening and answering, several turns, a tool, streamed playback, refusals.
// Prints one JSON object. Run with OPENAI_BASE_URL and OPENAI_API_KEY set, the folder of `openai` in SDK,
// and a WAV file in CLIP.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import { refused } from "./refused.mjs";

const { default: OpenAI, toFile } = await import(pathToFileURL(`${process.env.SDK}/index.mjs`));

const client = new OpenAI({ maxRetries: 0 });
const seen = {};

const clip = (await readFile(process.env.CLIP)).toString("base64");
const heard = { role: "user", content: [{ type: "input_audio", input_audio: { data: clip, format: "wav" } }] };
const spoken = { model: "gpt-audio-mini", modalities: ["text", "audio"], audio: { voice: "alloy", format: "pcm16" } };
const chat = (messages, options) => client.chat.completions.create({ ...spoken, messages, ...options });

const first = (await chat([heard])).choices[0].message;
seen.answer = first.audio.transcript;
const turns = [heard, { role: "assistant", audio: { id: first.audio.id } }, { role: "user", content: "And now?" }];
const second = await chat(turns);
seen.secondAnswer = second.choices[0].message.audio.transcript;
seen.audioTokensOfPrompt = second.usage.prompt_tokens_details.audio_tokens;
seen.bytesOfFirst = Buffer.from(first.audio.data, "base64").length;

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "get_weather", parameters } }];
const question = { role: "user", content: "How is the weather?" };
const asked = (await chat([question], { tools })).choices[0];
const [call] = asked.message.tool_calls;
seen.call = { name: call.function.name, finish: asked.finish_reason, city: typeof JSON.parse(call.function.arguments).city };
const result = { role: "tool", tool_call_id: call.id, content: "18 degrees" };
seen.result = (await chat([question, asked.message, result], { tools })).choices[0].message.audio.transcript;

const pieces = [];
seen.streamed = { transcript: "", usage: null };
for await (const chunk of await chat([heard], { stream: true, stream_options: { include_usage: true } })) {
  const audio = chunk.choices[0]?.delta.audio;
  seen.streamed.transcript += audio?.transcript ?? "";
  if (audio?.data) pieces.push(Buffer.from(audio.data, "base64"));
  seen.streamed.usage = chunk.usage ?? seen.streamed.usage;
}
const pcm = Buffer.concat(pieces);
const header = Buffer.alloc(44);
header.write("RIFF", 0);
header.writeUInt32LE(36 + pcm.length, 4);
header.write("WAVEfmt ", 8);
header.writeUInt32LE(16, 16);
header.writeUInt16LE(1, 20); // PCM
header.writeUInt16LE(1, 22); // mono
header.writeUInt32LE(24000, 24);
header.writeUInt32LE(48000, 28);
header.writeUInt16LE(2, 32);
header.writeUInt16LE(16, 34);
header.write("data", 36);
header.writeUInt32LE(pcm.length, 40);
const file = await toFile(Buffer.concat([header, pcm]), "reply.wav");
seen.playback = (await client.audio.transcriptions.create({ model: "whisper-1", file })).text;

const written = { model: "gpt-4o", messages: [{ role: "user", content: "Hi" }] };
seen.text = "";
for await (const chunk of await client.chat.completions.create({ ...written, stream: true })) {
  seen.text += chunk.choices[0].delta.content ?? "";
}

const tool = (name) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties: { of: { type: "string" } }, required: ["of"] } },
});
const gathered = async (model, content, n) => {
  const messages = [{ role: "user", content }];
  const tools = [tool("get_weather"), tool("get_time")];
  const stream = client.chat.completions.stream({ model, messages, tools, n });
  const { choices } = await stream.finalChatCompletion();
  return choices.map(({ finish_reason, message }) => [
    finish_reason,
    message.content,
    (message.tool_calls ?? []).map((call) => [call.function.name, call.function.arguments]),
  ]);
};
seen.gathered = {
  one: await gathered("gpt-5", "Weather?", 1),
  several: await gathered("gpt-4o", "Weather and time?", 2),
  none: await gathered("gpt-5", "Hi", 2),
};

const lookUp = {
  type: "function",
  function: {
    name: "get_weather",
    strict: true,
    parse: JSON.parse,
    function: ({ city }) => `18 degrees in ${city}`,
    parameters: { ...parameters, additionalProperties: false },
  },
};
seen.ran = [];
for (const stream of [false, true]) {
  const messages = [{ role: "user", content: "Weather?" }];
  const runner = client.chat.completions.runTools({ model: "gpt-4o", stream, messages, tools: [lookUp] });
  seen.ran.push(await runner.finalContent());
}
const { function: { name, strict, parameters: wanted } } = lookUp;
const parsed = await client.chat.completions.parse({
  ...written,
  messages: [{ role: "user", content: "Weather?" }],
  tools: [{ type: "function", function: { name, strict, parameters: wanted } }],
});
const [{ message: sentBack }] = parsed.choices;
const known = { role: "tool", tool_call_id: sentBack.tool_calls[0].id, content: "rain" };
const after = [{ role: "user", content: "Weather?" }, sentBack, known];
seen.sentBack = (await client.chat.completions.create({ ...written, messages: after })).choices[0].message.content;

const { id } = await client.chat.completions.create({ ...written, store: true, metadata: { run: "7" } });
seen.stored = (await client.chat.completions.retrieve(id)).choices[0].message.content;
seen.messages = [];
for await (const message of client.chat.completions.messages.list(id)) seen.messages.push(message.content);
seen.listed = [];
for await (const each of client.chat.completions.list({ metadata: { run: "7" } })) seen.listed.push(each.id === id);
seen.deleted = (await client.chat.completions.delete(id)).deleted;

seen.refusals = {
  silent: await refused(() => client.chat.completions.create({ ...written, model: "gpt-audio" })),
  format: await refused(() => chat([heard], { stream: true, audio: { voice: "alloy", format: "wav" } })),
  audio: await refused(() => client.chat.completions.create({ model: "gpt-4o", messages: [heard] })),
  forgotten: await refused(() => client.chat.completions.retrieve(id)),
};

console.log(JSON.stringify(seen));
