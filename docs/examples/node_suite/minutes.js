// The application under test: it writes the minutes of a recorded meeting.

import fs from "node:fs";
import path from "node:path";
import OpenAI, { toFile } from "openai";

const assign = {
  type: "function",
  function: {
    name: "assign",
    description: "Somebody has taken on a task.",
    parameters: {
      type: "object",
      properties: { who: { type: "string" }, what: { type: "string" } },
      required: ["who", "what"],
    },
  },
};

/** Returns the transcript of a recording and its tasks. By default the client is configured by the environment. */
export async function writeMinutes(recording, client = new OpenAI()) {
  const { text } = await client.audio.transcriptions.create({
    model: "gpt-4o-transcribe",
    file: await toFile(fs.readFileSync(recording), path.basename(recording)), // a stream would not be retried
  });
  const completion = await client.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [
      { role: "system", content: "Assign every task that is mentioned." },
      { role: "user", content: text },
    ],
    tools: [assign],
  });
  const calls = completion.choices[0].message.tool_calls ?? [];
  return { transcript: text, tasks: calls.map((call) => JSON.parse(call.function.arguments)) };
}
