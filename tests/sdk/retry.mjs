// Asks for transcripts until one was refused for the rate limit, and lets the npm SDK do what it does then.
// Prints the statuses of every exchange as JSON. Run with OPENAI_BASE_URL, OPENAI_API_KEY, CLIP and SDK set.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const { default: OpenAI, toFile } = await import(pathToFileURL(`${process.env.SDK}/index.mjs`));

const statuses = [];
const client = new OpenAI({
  fetch: async (...request) => {
    const response = await fetch(...request);
    statuses.push(response.status);
    return response;
  },
});

const clip = await toFile(await readFile(process.env.CLIP), "clip.wav");
for (let asked = 0; asked < 20 && !statuses.includes(429); asked += 1) {
  await client.audio.transcriptions.create({ model: "whisper-1", file: clip });
}
console.log(JSON.stringify(statuses));
