// The AI SDK. A model made by `openai()` is one of the Responses API, one by `openai.chat()` of chat completions.

import { readFile } from "node:fs/promises";

import { openai } from "@ai-sdk/openai";
import {
  experimental_generateSpeech as generateSpeech,
  experimental_transcribe as transcribe,
  generateText,
  Output,
  stepCountIs,
  streamText,
  tool,
} from "ai";
import { z } from "zod";

import { run } from "./run.mjs";

await run((api) => {
  const model = api === "chat" ? openai.chat("gpt-4o-mini") : openai("gpt-4o-mini");
  return {
    text: async (prompt) => (await generateText({ model, prompt })).text,

    stream: async (prompt) => {
      const pieces = [];
      for await (const piece of streamText({ model, prompt }).textStream) pieces.push(piece);
      return pieces;
    },

    tool: async (prompt) => {
      const cities = [];
      const get_weather = tool({
        description: "Tell the weather of a city.",
        inputSchema: z.object({ city: z.string() }),
        execute: async ({ city }) => {
          cities.push(city);
          return `18 degrees in ${city}`;
        },
      });
      const { text } = await generateText({ model, prompt, tools: { get_weather }, stopWhen: stepCountIs(5) });
      return { cities, answer: text };
    },

    forecast: async (prompt) => {
      const schema = z.object({ city: z.string(), degrees: z.int() });
      return (await generateText({ model, prompt, output: Output.object({ schema }) })).output;
    },

    transcribe: async (clip) => {
      const audio = await readFile(clip);
      return (await transcribe({ model: openai.transcription("gpt-4o-transcribe"), audio })).text;
    },

    speak: async (text) => {
      const speech = { model: openai.speech("tts-1"), text, voice: "alloy", outputFormat: "wav" };
      return Buffer.from((await generateSpeech(speech)).audio.uint8Array).toString("hex");
    },
  };
});
