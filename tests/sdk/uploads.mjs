// Uploads a file as a stream, then one that is in memory, each refused at first, and calls what is not served.
// Prints the statuses of each as JSON. Run with OPENAI_BASE_URL, OPENAI_API_KEY, CLIP and SDK set.

import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const { default: OpenAI, toFile } = await import(pathToFileURL(`${process.env.SDK}/index.mjs`));

async function statusesOf(call) {
  const statuses = [];
  const client = new OpenAI({
    maxRetries: 2,
    fetch: async (...request) => {
      const response = await fetch(...request);
      statuses.push(response.status);
      return response;
    },
  });
  const code = await call(client).then(() => null, (error) => error.code ?? error.status);
  return { statuses, code };
}

const upload = (file) => (client) => client.audio.transcriptions.create({ model: "whisper-1", file });
const seen = {
  stream: await statusesOf(upload(createReadStream(process.env.CLIP))),
  memory: await statusesOf(upload(await toFile(await readFile(process.env.CLIP), "clip.wav"))),
  images: await statusesOf((client) => client.images.generate({ model: "gpt-image-1", prompt: "A cat." })),
};
console.log(JSON.stringify(seen));
