// Compiled by a test: what the types accept, and what they refuse.

import { AudioApi, startServer, type JournalEntry, type Schemas } from "audio-mockserver";
import { useAudioApi as useWithJest } from "audio-mockserver/jest";
import { useAudioApi as useWithNode } from "audio-mockserver/node-test";
import { useAudioApi as useWithPlaywright } from "audio-mockserver/playwright";
import { useAudioApi } from "audio-mockserver/vitest";
import OpenAI from "openai";

const audio: AudioApi = useAudioApi({ tier: "free", settings: { strictness: "schema" }, server: { stubs: ["a", "b"] } });
export const same = [useWithJest, useWithNode, useWithPlaywright].map((use) => use().of({}));

export async function accepted(): Promise<string[]> {
  new OpenAI(audio.clientOptions);
  const stub = await audio.onTranscription({ file: ["a*", "b*"], duration: { at_least: 2 }, times: 1 }).reply("Hello.", {
    language: "en",
    segments: [{ text: "Hello.", start: 0 }],
  });
  await audio.onChat({ fields: { "messages[0].role": "user" }, headers: { "x-a": { present: true } } }).say("Hello.").next.fail("server_error");
  await audio.failNext(429, { times: null, every: 2, user_text: { contains: "weather" } });
  await audio.verify("chat", { status: ["4xx", 200], times: 1 });
  await audio.configure({ strictness: null });
  const entries: JournalEntry[] = await audio.journal();
  const snapshot: Schemas["snapshot"] = await audio.snapshot();
  await (await startServer()).everyone.restore(snapshot);
  await audio.control.call("PUT", "/_mock/scenarios/{name}", { path: { name: "order" }, body: { state: "asked" } });
  await audio.control.call("GET", "/_mock/limits", { query: { model: "tts-1" } });
  return [stub.id, ...entries.map((entry) => entry.id)];
}

export async function refused(): Promise<void> {
  // @ts-expect-error an unknown condition
  audio.onChat({ user_txt: "weather" });
  // @ts-expect-error an unknown tier
  await audio.setTier("gold");
  // @ts-expect-error an unknown fault
  await audio.breakNext("conection_reset");
  // @ts-expect-error `language` is not a condition of the journal
  await audio.verifyChat({ language: "en" });
  // @ts-expect-error an unknown setting
  await audio.configure({ strict: true });
  // @ts-expect-error an unknown path
  await audio.control.call("GET", "/_mock/nothing");
  // @ts-expect-error no such method
  await audio.control.call("PATCH", "/_mock/clock", { body: { advance: 1 } });
  // @ts-expect-error a body of another operation
  await audio.control.call("PUT", "/_mock/clock", { body: { advanced: 1 } });
  // @ts-expect-error the path lacks its variable
  await audio.control.call("GET", "/_mock/stubs/{id}");
  // @ts-expect-error a builder adds nothing without a reply
  await audio.onChat().id;
}
