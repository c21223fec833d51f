// The official SDK's client of Azure OpenAI.

import { readFile } from "node:fs/promises";

import { AzureOpenAI, toFile } from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { run } from "./run.mjs";

const azure = new AzureOpenAI();
const model = "gpt-4o-mini";
const Forecast = z.object({ city: z.string(), degrees: z.int() });
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const weather = { name: "get_weather", description: "Tell the weather of a city.", parameters, strict: true };

const audio = {
  transcribe: async (clip) => {
    const file = await toFile(await readFile(clip), "clip.wav");
    return (await azure.audio.transcriptions.create({ model: "gpt-4o-transcribe", file })).text;
  },

  speak: async (input) => {
    const asked = { model: "gpt-4o-mini-tts", voice: "coral", input, response_format: "wav" };
    return Buffer.from(await (await azure.audio.speech.create(asked)).arrayBuffer()).toString("hex");
  },
};

const responses = {
  ...audio,
  text: async (input) => (await azure.responses.create({ model, input })).output_text,

  stream: async (input) => {
    const pieces = [];
    for await (const event of await azure.responses.create({ model, input, stream: true })) {
      if (event.type === "response.output_text.delta") pieces.push(event.delta);
    }
    return pieces;
  },

  tool: async (input) => {
    const tools = [{ type: "function", ...weather }];
    const first = await azure.responses.create({ model, input, tools });
    const call = first.output.find((item) => item.type === "function_call");
    const { city } = JSON.parse(call.arguments);
    const output = { type: "function_call_output", call_id: call.call_id, output: `18 degrees in ${city}` };
    const continued = { model, tools, input: [output], previous_response_id: first.id };
    return { cities: [city], answer: (await azure.responses.create(continued)).output_text };
  },

  forecast: async (input) => {
    const text = { format: zodTextFormat(Forecast, "forecast") };
    return (await azure.responses.parse({ model, input, text })).output_parsed;
  },
};

const chat = {
  ...audio,
  text: async (content) => {
    const asked = { model, messages: [{ role: "user", content }] };
    return (await azure.chat.completions.create(asked)).choices[0].message.content;
  },

  stream: async (content) => {
    const pieces = [];
    const asked = { model, messages: [{ role: "user", content }], stream: true };
    for await (const chunk of await azure.chat.completions.create(asked)) {
      pieces.push(chunk.choices[0]?.delta.content ?? "");
    }
    return pieces;
  },

  tool: async (content) => {
    const cities = [];
    const run = ({ city }) => {
      cities.push(city);
      return `18 degrees in ${city}`;
    };
    const tools = [{ type: "function", function: { ...weather, function: run, parse: JSON.parse } }];
    const running = azure.chat.completions.runTools({ model, messages: [{ role: "user", content }], tools });
    return { cities, answer: await running.finalContent() };
  },

  forecast: async (content) => {
    const asked = {
      model,
      messages: [{ role: "user", content }],
      response_format: zodResponseFormat(Forecast, "forecast"),
    };
    return (await azure.chat.completions.parse(asked)).choices[0].message.parsed;
  },
};

await run((api) => (api === "chat" ? chat : responses));
