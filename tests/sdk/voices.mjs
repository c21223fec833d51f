// A session with the npm SDK: a voice is created from a consent and a sample, speaks, and is deleted.
// Prints one JSON object. Run with OPENAI_BASE_URL and OPENAI_API_KEY set, the folder of `openai` in SDK, and an audio
// file in CLIP.

import { createReadStream } from "node:fs";
import { pathToFileURL } from "node:url";

import { refused } from "./refused.mjs";

const { default: OpenAI } = await import(pathToFileURL(`${process.env.SDK}/index.mjs`));

const client = new OpenAI({ maxRetries: 0 });
const { speech, voices, voiceConsents } = client.audio;
const clip = () => createReadStream(process.env.CLIP);
const seen = {};

seen.consent = await voiceConsents.create({ name: "Jane", language: "en-US", recording: clip() });
seen.renamed = await voiceConsents.update(seen.consent.id, { name: "Jane Doe" });
seen.listed = [];
for await (const consent of voiceConsents.list({ limit: 1 })) seen.listed.push(consent.name);
seen.voice = await voices.create({ name: "Jane", consent: seen.consent.id, audio_sample: clip() });
seen.prompted = await voices.create({ type: "prompt", name: "Old", prompt: "An old sailor." });

const say = async (voice) => {
  const spoken = await speech.create({ model: "gpt-4o-mini-tts", voice, input: "Hello.", response_format: "pcm" });
  return Buffer.from(await spoken.arrayBuffer()).toString("base64");
};
seen.sameSound = (await say({ id: seen.voice.id })) === (await say({ id: seen.voice.id }));
seen.deleted = await voices.delete(seen.voice.id);
seen.refusals = {
  deleted: await refused(() => say({ id: seen.voice.id })),
  prompted: await refused(() => say({ id: seen.prompted.id })),
  consent: await refused(() => voices.create({ name: "Jane", consent: "cons_1", audio_sample: clip() })),
};
seen.forgotten = await voiceConsents.delete(seen.consent.id);

console.log(JSON.stringify(seen));
