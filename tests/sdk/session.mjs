// A session with the npm SDK: speech, its transcription in several forms, and what is refused.
// Prints one JSON object. Run with OPENAI_BASE_URL and OPENAI_API_KEY set, and the folder of `openai` in SDK.

import { pathToFileURL } from "node:url";

import { refused } from "./refused.mjs";

const { default: OpenAI, toFile } = await import(pathToFileURL(`${process.env.SDK}/index.mjs`));

const client = new OpenAI({ maxRetries: 0 });
const seen = {};

const speech = await client.audio.speech.create({
  model: "gpt-4o-mini-tts",
  voice: "alloy",
  input: "Hello from the other language.",
});
const spoken = Buffer.from(await speech.arrayBuffer());
seen.speechType = speech.headers.get("content-type");

const clip = () => toFile(spoken, "speech.mp3");
const transcribe = async (options) => client.audio.transcriptions.create({ file: await clip(), ...options });

seen.json = await transcribe({ model: "whisper-1" });
seen.text = await transcribe({ model: "whisper-1", response_format: "text" });
seen.verbose = await transcribe({
  model: "whisper-1",
  response_format: "verbose_json",
  timestamp_granularities: ["word", "segment"],
});
seen.logprobs = await transcribe({ model: "gpt-4o-transcribe", include: ["logprobs"] });
seen.diarized = await transcribe({
  model: "gpt-4o-transcribe-diarize",
  response_format: "diarized_json",
  chunking_strategy: "auto",
});

seen.events = [];
for await (const event of await transcribe({ model: "gpt-4o-mini-transcribe", stream: true })) {
  seen.events.push(event);
}

seen.models = [];
for await (const model of client.models.list()) seen.models.push(model.id);

seen.refusals = {
  model: await refused(() => transcribe({ model: "nobody" })),
  format: await refused(() => transcribe({ model: "gpt-4o-transcribe", response_format: "srt" })),
  key: await refused(() => client.withOptions({ apiKey: "sk-mock-invalid" }).models.list()),
  quota: await refused(() => client.withOptions({ apiKey: "sk-mock-noquota" }).models.list()),
  file: await refused(async () =>
    client.audio.transcriptions.create({ model: "whisper-1", file: await toFile(Buffer.from("text"), "a.wav") }),
  ),
  voice: await refused(() => client.audio.speech.create({ model: "tts-1", voice: "nobody", input: "Hi." })),
};

console.log(JSON.stringify(seen));
