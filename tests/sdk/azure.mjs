// A session of the SDK's client of Azure. It prints what it saw as JSON.

import fs from "node:fs";
import { pathToFileURL } from "node:url";

const sdk = await import(pathToFileURL(`${process.env.SDK}/index.mjs`));
const endpoint = process.env.OPENAI_BASE_URL.replace(/\/v1$/, "");
delete process.env.OPENAI_BASE_URL; // which the client of Azure would take for its own
const options = { apiKey: process.env.OPENAI_API_KEY, maxRetries: 2 };
const azure = new sdk.AzureOpenAI({ endpoint, apiVersion: "2025-04-01-preview", ...options });
const v1 = new sdk.OpenAI({ baseURL: `${endpoint}/openai/v1`, ...options });
const messages = [{ role: "user", content: "Hi" }];

async function session(client) {
  const clip = () => fs.createReadStream(process.env.CLIP);
  const answer = await client.chat.completions.create({ model: "gpt-4o", messages });
  const stream = await client.chat.completions.create({ model: "gpt-4o", messages, stream: true });
  let text = "";
  let empty = 0;
  for await (const chunk of stream) {
    if (chunk.choices.length) text += chunk.choices[0].delta.content ?? "";
    else empty += 1;
  }
  const heard = await client.audio.transcriptions.create({ model: "whisper", file: clip() });
  const speech = await client.audio.speech.create({ model: "tts", voice: "alloy", input: "Hi.", response_format: "wav" });
  const spoken = Buffer.from(await speech.arrayBuffer());
  const response = await client.responses.create({ model: "gpt-4o", input: "Hi" });
  const refused = await client.chat.completions.create({ model: "nobody", messages }).catch((error) => error);
  return {
    answer: answer.choices[0].message.content,
    severity: answer.choices[0].content_filter_results.hate.severity,
    text,
    empty,
    heard: heard.text,
    spoken: spoken.subarray(0, 4).toString(),
    response: [response.output_text, response.model],
    refused: [refused.status, refused.code],
  };
}

console.log(JSON.stringify({ classic: await session(azure), v1: await session(v1) }));
