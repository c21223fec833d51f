// The OpenAI Agents SDK: its default is the Responses API. Its default model refuses tools in chat completions.

import { readFile } from "node:fs/promises";

import {
  Agent,
  OpenAIConversationsSession,
  run as runAgent,
  setOpenAIAPI,
  setTracingDisabled,
  tool,
} from "@openai/agents";
import OpenAI, { toFile } from "openai";
import { z } from "zod";

import { run } from "./run.mjs";

setTracingDisabled(true);

await run((api) => {
  const agent = (options) => new Agent({ name: "Assistant", ...(api === "chat" && { model: "gpt-4o-mini" }), ...options });
  if (api === "chat") setOpenAIAPI("chat_completions");
  return {
    text: async (prompt) => (await runAgent(agent({}), prompt)).finalOutput,

    stream: async (prompt) => {
      const running = await runAgent(agent({}), prompt, { stream: true });
      const pieces = [];
      for await (const piece of running.toTextStream()) pieces.push(piece);
      return pieces;
    },

    tool: async (prompt) => {
      const cities = [];
      const weather = tool({
        name: "get_weather",
        description: "Tell the weather of a city.",
        parameters: z.object({ city: z.string() }),
        execute: async ({ city }) => {
          cities.push(city);
          return `18 degrees in ${city}`;
        },
      });
      const { finalOutput } = await runAgent(agent({ tools: [weather] }), prompt);
      return { cities, answer: finalOutput };
    },

    session: async (prompt) => {
      const parameters = z.object({ city: z.string() });
      const execute = async ({ city }) => `18 degrees in ${city}`;
      const weather = tool({ name: "get_weather", description: "Tell the weather.", parameters, execute });
      const session = new OpenAIConversationsSession();
      const first = await runAgent(agent({ tools: [weather] }), prompt, { session, stream: true });
      await first.completed;
      const second = await runAgent(agent({ tools: [weather] }), "Thanks.", { session });
      return [first.finalOutput, second.finalOutput];
    },

    forecast: async (prompt) => {
      const outputType = z.object({ city: z.string(), degrees: z.int() });
      return (await runAgent(agent({ outputType }), prompt)).finalOutput;
    },

    transcribe: async (clip) => {
      const file = await toFile(await readFile(clip), "clip.wav");
      return (await new OpenAI().audio.transcriptions.create({ model: "gpt-4o-transcribe", file })).text;
    },

    speak: async (input) => {
      const asked = { model: "gpt-4o-mini-tts", voice: "coral", input, response_format: "wav" };
      const speech = await new OpenAI().audio.speech.create(asked);
      return Buffer.from(await speech.arrayBuffer()).toString("hex");
    },
  };
});
