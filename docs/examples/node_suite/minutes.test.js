// Tests of the minutes, with Node's test runner: node --test

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import OpenAI from "openai";
import { startServer } from "./mockserver.js";
import { writeMinutes } from "./minutes.js";

const said = "Ada will write to Grace.";
const task = { who: "Ada", what: "write to Grace" };
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "minutes-"));
const recording = path.join(folder, "meeting-monday.wav");
let server, api, client;

before(async () => {
  fs.writeFileSync(recording, silence(1));
  server = await startServer("--whisper-model", "none", "--log-level", "warning");
});
after(async () => {
  await server.stop();
  fs.rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  api = server.account();
  client = new OpenAI({ baseURL: api.baseURL, apiKey: api.apiKey });
  await api.stub({ endpoint: "transcriptions", file: "meeting*.wav" }, { text: said });
  await api.stub(
    { endpoint: "chat", user_text: { equals: said } },
    { tool_calls: [{ name: "assign", arguments: task }] },
  );
});
afterEach(() => api.reset());

test("minutes have the transcript and the tasks", async () => {
  assert.deepEqual(await writeMinutes(recording, client), { transcript: said, tasks: [task] });
  await api.verify({ endpoint: "transcriptions", model: "gpt-4o-transcribe" }, { exactly: 1 });
  await api.verify({ endpoint: "chat", prompt: "Assign every task" }, { exactly: 1 });
});

test("a meeting without tasks has none", async () => {
  await api.stub({ endpoint: "chat" }, { say: "There is no task." });
  assert.deepEqual((await writeMinutes(recording, client)).tasks, []);
});

test("a rate limit is sat out", async () => {
  await api.fail("rate_limit_requests", { times: 2, retry_after: 0.01 });
  assert.equal((await writeMinutes(recording, client)).transcript, said);
  assert.deepEqual((await api.journal()).map((entry) => entry.status), [429, 429, 200, 200]);
});

test("an error that does not pass reaches the caller", async () => {
  await api.fail("invalid_api_key", { when: { endpoint: "chat" } });
  await assert.rejects(writeMinutes(recording, client), OpenAI.AuthenticationError);
});

test("a verification that fails names what came nearest", async () => {
  await writeMinutes(recording, client);
  await assert.rejects(api.verify({ endpoint: "transcriptions", file: "lecture*.wav" }), /wanted 'lecture\*\.wav'/);
});

/** Returns a WAV file of silence; the tests script its transcript. */
function silence(seconds) {
  const samples = Buffer.alloc(2 * 16_000 * seconds);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); // PCM
  head.writeUInt16LE(1, 22); // channel
  head.writeUInt32LE(16_000, 24); // samples per second
  head.writeUInt32LE(32_000, 28); // bytes per second
  head.writeUInt16LE(2, 32); // bytes per sample
  head.writeUInt16LE(16, 34); // bits per sample
  head.write("data", 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}
