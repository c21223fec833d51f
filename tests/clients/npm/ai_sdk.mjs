// The AI SDK: a text, a tool, a transcription, a speech; and the Responses API, which it calls by default.
// Prints one JSON object. Run with OPENAI_BASE_URL and OPENAI_API_KEY set, and a WAV file in CLIP.

import { readFile } from "node:fs/promises";

import { openai } from "@ai-sdk/openai";
import { experimental_generateSpeech, experimental_transcribe, generateText, jsonSchema, stepCountIs, tool } from "ai";

const model = openai.chat("gpt-4o-mini");
const seen = {};

seen.text = (await generateText({ model, prompt: "Hi." })).text;

const getWeather = tool({
  description: "Tell the weather of a city.",
  inputSchema: jsonSchema({ type: "object", properties: { city: { type: "string" } }, required: ["city"] }),
  execute: async () => "18 degrees",
});
const run = await generateText({
  model,
  prompt: "How is the weather in Paris?",
  tools: { get_weather: getWeather },
  stopWhen: stepCountIs(5),
});
seen.tool = { called: run.steps.flatMap((step) => step.toolCalls.map((call) => call.toolName)), answer: run.text };

const audio = await readFile(process.env.CLIP);
seen.heard = (await experimental_transcribe({ model: openai.transcription("whisper-1"), audio })).text;

const speech = { model: openai.speech("tts-1"), text: "Good morning.", voice: "alloy", outputFormat: "wav" };
seen.spoken = Buffer.from((await experimental_generateSpeech(speech)).audio.uint8Array).toString("latin1", 0, 4);

try {
  await generateText({ model: openai("gpt-4o-mini"), prompt: "Hi.", maxRetries: 0 });
} catch (error) {
  seen.byDefault = { status: error.statusCode, message: error.message };
}

console.log(JSON.stringify(seen));
