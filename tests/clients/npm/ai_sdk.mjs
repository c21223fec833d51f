// The AI SDK. A model made by `openai()` is one of the Responses API, one by `openai.chat()` of chat completions.
// Later requests name the items of earlier answers by their ids, or have them whole if nothing is stored.

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
  const model = api === "chat" ? openai.chat("gpt-4o-mini") : openai("gpt-5"); // which reasons
  const providerOptions = { openai: { store: api !== "storeless" } };
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
      const options = { model, tools: { get_weather }, stopWhen: stepCountIs(5), providerOptions };
      const { text } = await generateText({ ...options, prompt });
      return { cities, answer: text };
    },

    streamed_tool: async (prompt) => {
      const inputSchema = z.object({ city: z.string() });
      const get_weather = tool({ inputSchema, execute: async ({ city }) => `18 degrees in ${city}` });
      const asked = { model, tools: { get_weather }, stopWhen: stepCountIs(5), providerOptions };
      const first = streamText({ ...asked, prompt });
      const types = new Set();
      for await (const part of first.fullStream) types.add(part.type);
      const { messages } = await first.response;
      const conversation = [{ role: "user", content: prompt }, ...messages, { role: "user", content: "Thanks." }];
      const { text } = await generateText({ ...asked, messages: conversation });
      return { types: [...types], first: await first.text, second: text };
    },

    web_search: async (prompt) => {
      const tools = { web_search: openai.tools.webSearch({}) };
      return (await generateText({ model, prompt, tools })).sources.map((source) => source.url);
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
