// The API for tests, with the official SDK and the real server.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import OpenAI, { toFile } from "openai";
import { HELLO, eventually, website } from "./support.mjs";
import { ControlError, VerificationError } from "audio-mockserver";
import { useAudioApi } from "audio-mockserver/node-test";

const audio = useAudioApi();
const hello = async () => toFile(await readFile(HELLO), "hello.wav"); // a stream would not be retried
const client = (options = {}) => new OpenAI({ ...audio.clientOptions, maxRetries: 0, ...options });
const transcribe = async (options = {}) =>
  (await client(options).audio.transcriptions.create({ model: "whisper-1", file: await hello() })).text;
const ask = async (content = "How is the weather?", options = {}) =>
  (await client().chat.completions.create({ model: "gpt-4o-mini", messages: [{ role: "user", content }], ...options }))
    .choices[0].message;

describe("answers", () => {
  test("what is not scripted is answered by the server, with real audio", async () => {
    assert.equal(await transcribe(), "Hello world, this is a test.");
    const speech = await client().audio.speech.create({ model: "tts-1", voice: "alloy", input: "Good morning." });
    const file = await toFile(Buffer.from(await speech.arrayBuffer()), "morning.mp3");
    assert.equal((await client().audio.transcriptions.create({ model: "whisper-1", file })).text, "Good morning.");
  });

  test("a transcript is scripted by the file's name and its duration", async () => {
    await audio.onTranscription({ file: "hello*.wav", duration: { at_least: 1 } }).reply("Welcome to the meeting.");
    assert.equal(await transcribe(), "Welcome to the meeting.");
  });

  test("a translation, a response and a completion are scripted", async () => {
    await audio.onTranslation().reply("Good evening.");
    await audio.onResponse({ user_text: "weather" }).say("It is sunny.");
    await audio.onCompletion().reply("upon a time");
    const translated = { model: "whisper-1", file: await hello() };
    assert.equal((await client().audio.translations.create(translated)).text, "Good evening.");
    const response = await client().responses.create({ model: "gpt-4o-mini", input: "How is the weather?" });
    assert.equal(response.output_text, "It is sunny.");
    const completion = await client().completions.create({ model: "gpt-3.5-turbo-instruct", prompt: "Once" });
    assert.equal(completion.choices[0].text, "upon a time");
  });

  test("replies follow each other, and the last one repeats", async () => {
    const stub = await audio.onChat().say("one").next.say("two").next.reply({ three: 3 });
    assert.deepEqual([await said(), await said(), await said(), await said()], ["one", "two", '{"three":3}', '{"three":3}']);
    assert.equal(await stub.used(), 4);
    await stub.remove();
    await assert.rejects(stub.used(), ControlError);
  });

  test("replies begin again, or end", async () => {
    await audio.onChat({ user_text: "loop" }).say("one").next.say("two").thenLoop();
    await audio.onChat({ user_text: "end" }).say("one").thenFail();
    assert.deepEqual([await said("loop"), await said("loop"), await said("loop")], ["one", "two", "one"]);
    assert.equal(await said("end"), "one");
    await assert.rejects(said("end"), /has given all of its replies/);
  });

  test("a scenario has states", async () => {
    await audio.onChat().inScenario("order", { state: "started", next: "asked" }).say("What would you like?");
    await audio.onChat().inScenario("order", { state: "asked" }).say("Thank you.");
    assert.deepEqual([await said(), await said(), await said()], ["What would you like?", "Thank you.", "Thank you."]);
  });

  test("a tool is called", async () => {
    await audio.onChat().callTool("forecast", { city: "Berlin" });
    const parameters = { type: "object", properties: { city: { type: "string" } } };
    const { tool_calls } = await ask("How is the weather?", {
      tools: [{ type: "function", function: { name: "forecast", parameters } }],
    });
    assert.deepEqual(JSON.parse(tool_calls[0].function.arguments), { city: "Berlin" });
  });

  test("speech is that of a file", async () => {
    await audio.onSpeech().speak(HELLO, "Hello world, this is a test.");
    await audio.onSpeech({ user_text: "bytes" }).speak(await readFile(HELLO));
    const spoken = async (input) => {
      const asked = { model: "tts-1", voice: "alloy", input, response_format: "wav" };
      return Buffer.from(await (await client().audio.speech.create(asked)).arrayBuffer());
    };
    assert.deepEqual(await spoken("anything"), await spoken("bytes"));
    await assert.rejects(async () => audio.onSpeech().speak("no-such-file.wav"), /ENOENT/);
  });

  test("vectors and flags are scripted", async () => {
    await audio.onEmbedding().embed([0.5, 0.25]);
    await audio.onModeration().flag(["violence"]);
    const found = await client().embeddings.create({ model: "text-embedding-3-small", input: "x", encoding_format: "float" });
    assert.deepEqual(found.data[0].embedding, [0.5, 0.25]);
    const moderation = await client().moderations.create({ input: "x" });
    assert.equal(moderation.results[0].categories.violence, true);
  });

  test("bodies are scripted whole, for paths that are not served, too", async () => {
    await audio.on("/v1/images/generations").replyJson({ data: [{ url: "https://example.com/cat.png" }] });
    await audio.on("/v1/things").replyBytes(Buffer.from("some text"), { content_type: "text/plain" });
    await audio.on("/v1/events").replyEvents([{ a: 1 }, "[DONE]"]);
    const images = await client().images.generate({ model: "gpt-image-1", prompt: "A cat." });
    assert.equal(images.data[0].url, "https://example.com/cat.png");
    const get = async (path) => {
      const headers = { authorization: `Bearer ${audio.apiKey}` };
      return (await fetch(audio.baseURL + path, { headers })).text();
    };
    assert.equal(await get("/things"), "some text");
    assert.equal(await get("/events"), 'data: {"a":1}\n\ndata: [DONE]\n\n');
  });

  test("an error is scripted", async () => {
    await audio.onChat().fail("rate_limit_requests", { message: "Slow down.", retry_after: 0.01 }).next.say("Welcome.");
    await assert.rejects(ask(), { status: 429, message: /Slow down\./ });
    assert.equal(await said(), "Welcome.");
  });

  test("an unknown condition is refused, with a hint", async () => {
    await assert.rejects(async () => audio.onChat({ user_txt: "x" }).say("y"), {
      name: "ControlError",
      message: /user_text/,
    });
  });

  const said = async (content) => (await ask(content)).content;
});

describe("faults", () => {
  test("the next requests fail, and are retried", async () => {
    const limit = await audio.failNext("rate_limit_requests", { times: 2, retry_after: 0.01 });
    assert.equal(await transcribe({ maxRetries: 2 }), "Hello world, this is a test.");
    assert.equal(await limit.hits(), 2);
    assert.deepEqual((await audio.journal()).map((entry) => entry.status), [429, 429, 200]);
  });

  test("a connection breaks, for some requests only", async () => {
    const fault = await audio.breakNext("connection_reset", { times: null, at: "before", endpoint: "chat", user_text: "weather" });
    await assert.rejects(ask(), OpenAI.APIConnectionError);
    assert.notEqual((await ask("Hello.")).content, "");
    await fault.remove();
    assert.notEqual((await ask()).content, "");
  });
});

describe("verifying", () => {
  test("the requests are counted, and those that are awaited arrive", async () => {
    const waiting = audio.waitForTranscription({ at_least: 2, timeout: 60 });
    await Promise.all([transcribe(), transcribe()]);
    await waiting;
    await audio.verifyTranscription({ file: "hello.wav", times: 2 });
    await audio.verifyChat({ times: 0 });
    await audio.verify(undefined, { at_least: 1, at_most: 2 });
  });

  test("a failure has the near misses", async () => {
    await transcribe();
    const failure = await audio.verifyTranscription({ file: "meeting*.wav" }).catch((error) => error);
    assert.ok(failure instanceof VerificationError && failure instanceof assert.AssertionError);
    assert.match(failure.message, /Wanted at least 1 request .* got 0\.\n {2}near miss: .* whisper-1 → 200/);
    assert.match(failure.message, /\n {4}file: wanted 'meeting\*\.wav', got 'hello\.wav'/);
    await assert.rejects(audio.waitForSpeech({ timeout: 0 }), VerificationError);
  });

  test("exchanges are text, with mistakes of the code under test", async () => {
    await fetch(`${audio.url}/v1/threads`, { method: "POST", headers: { authorization: `Bearer ${audio.apiKey}` } });
    assert.match(await audio.exchanges(), /POST \/v1\/threads → 404.*\nPOST \/v1\/threads is not served/);
  });
});

describe("the account", () => {
  test("the environment directs clients to it", async () => {
    await audio.onChat().say("By the environment.");
    const completion = await new OpenAI({ maxRetries: 0 }).chat.completions.create({
      model: "gpt-4o-mini",
      messages: [{ role: "user", content: "Hello." }],
    });
    assert.equal(completion.choices[0].message.content, "By the environment.");
    await audio.verifyChat({ times: 1 });
  });

  test("it has no state of earlier tests", async () => {
    assert.deepEqual(await audio.journal(), []);
    assert.notEqual((await ask()).content, "By the environment.");
  });

  test("limits, tiers and settings are its own", async () => {
    await audio.setLimits("whisper-1", { requests_per_minute: 1 });
    await transcribe();
    await assert.rejects(transcribe(), { status: 429 });
    await audio.clock.advance(61);
    await transcribe();
    await audio.configure({ strict_stubs: true });
    await assert.rejects(ask(), { status: 404 });
    await audio.configure({ strict_stubs: null });
    await audio.setTier("free");
    assert.equal((await audio.control.call("GET", "/_mock/limits")).accounts[0].tier, "free");
    await assert.rejects(audio.setTier("gold"), ControlError);
  });

  test("the clock of an earlier test was reset", async () => {
    const behind = (await audio.clock.now()) - Date.now() / 1000;
    assert.ok(Math.abs(behind) < 30, `${behind} s`);
    await audio.clock.freeze();
    await audio.clock.set(new Date("2030-01-01T00:00:00Z"));
    assert.equal(await audio.clock.now(), 1893456000);
  });

  test("models are added", async () => {
    await audio.addModel("gpt-7", { like: "gpt-4o-mini" });
    assert.notEqual((await ask("Hello.", { model: "gpt-7" })).content, "");
    await audio.removeModel("gpt-7");
    await assert.rejects(ask("Hello.", { model: "gpt-7" }), { status: 404 });
  });

  test("a snapshot is restored", async () => {
    await audio.onTranscription().reply("Before.");
    const snapshot = await audio.snapshot();
    await audio.reset();
    assert.equal(await transcribe(), "Hello world, this is a test.");
    await audio.restore(snapshot);
    assert.equal(await transcribe(), "Before.");
  });

  test("another one of the same server is apart", async () => {
    const other = await audio.server.account({ tier: "free", settings: { strict_stubs: true } });
    await other.onChat().say("The other.");
    assert.notEqual((await ask()).content, "The other.");
    assert.deepEqual(await other.journal(), []);
    await other.reset();
  });
});

describe("events", () => {
  test("webhooks are delivered", async () => {
    const received = [];
    const site = await website((request, body) => [200, void received.push(JSON.parse(body))]);
    try {
      const { secret, id } = await audio.webhooks.add(`${site.url}/hook`, { events: ["batch.*"] });
      assert.match(secret, /^whsec_/);
      await audio.sendWebhook("batch.completed", { id: "batch_1" });
      const [delivery] = await audio.webhooks.waitFor("batch.completed");
      assert.equal(delivery.status, "delivered");
      assert.deepEqual(received.map((event) => event.data), [{ id: "batch_1" }]);
      assert.deepEqual((await audio.webhooks.endpoints()).map((each) => each.id), [id]);
      await audio.webhooks.redeliver(delivery.id);
      await eventually(() => received.length === 2);
      await audio.webhooks.breakNext("down");
      await audio.webhooks.send("batch.failed");
      assert.equal((await audio.webhooks.waitFor("batch.failed", { status: "pending", attempts: 1 })).length, 1);
      assert.equal((await audio.webhooks.deliveries({ type: "batch.failed" })).length, 1);
      await audio.webhooks.remove(id);
      await audio.webhooks.reset();
    } finally {
      site.close();
    }
  });

  test("a telephone rings, and is answered", async () => {
    const call = await audio.telephone({ from: "sip:+14155550101@example.com" });
    assert.equal((await call.state()).status, "ringing");
    await client().realtime.calls.accept(call.id, { type: "realtime", model: "gpt-realtime" });
    assert.equal((await call.wait()).status, "answered");
    await call.say("Hello.", { voice: "echo" });
    await call.press("42#");
    assert.equal((await call.heard()).subarray(0, 4).toString(), "RIFF");
    await call.hangUp();
    assert.equal((await call.wait()).status, "ended");
  });

  test("a turn of a Realtime session is scripted and verified", async () => {
    const { default: WebSocket } = await import("ws");
    await audio.onRealtime({ turn: 1 }).say("It is sunny.");
    const socket = new WebSocket(`${audio.baseURL.replace("http", "ws")}/realtime?model=gpt-realtime`, {
      headers: { authorization: `Bearer ${audio.apiKey}` },
    });
    const said = await new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("open", () => {
        socket.send(JSON.stringify({ type: "response.create", response: { output_modalities: ["text"] } }));
      });
      socket.on("message", (data) => {
        const event = JSON.parse(data);
        if (event.type === "response.output_text.done") resolve(event.text);
      });
    });
    socket.close();
    assert.equal(said, "It is sunny.");
    await audio.verifyRealtime({ said: "sunny", times: 1 });
  });
});

describe("several tests at the same time", { concurrency: true }, () => {
  let together = 0;
  const meet = () => eventually(() => together >= 2);

  for (const name of ["Ada", "Grace"]) {
    test(`${name} has an account`, async (t) => {
      const api = audio.of(t);
      await api.onChat().say(`Hello ${name}.`);
      together += 1;
      await meet();
      const completion = await new OpenAI(api.clientOptions).chat.completions.create({
        model: "gpt-4o-mini",
        messages: [{ role: "user", content: "Who am I?" }],
      });
      assert.equal(completion.choices[0].message.content, `Hello ${name}.`);
      await api.verifyChat({ times: 1 });
      assert.throws(() => audio.onChat(), /several tests run at the same time.*audio\.of\(context\)/);
      await assert.rejects(new OpenAI({ maxRetries: 0 }).models.list(), { status: 401 });
      together += 1;
      await eventually(() => together >= 4);
    });
  }
});

test("no test is running outside of tests", async () => {
  await assert.rejects(async () => audio.of({}), /not the context of a test that is running/);
  assert.equal(await audio.then, undefined);
});
