// What each runner shows of failing tests, and that no server is left when its processes are killed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { RUNNERS, answers, eventually, project, runTests } from "./support.mjs";

const IMPORTS = {
  "node-test": 'import { test } from "node:test"; import { useAudioApi } from "audio-mockserver/node-test";',
  vitest: 'import { test } from "vitest"; import { useAudioApi } from "audio-mockserver/vitest";',
  jest: 'const { useAudioApi } = require("audio-mockserver/jest");',
  playwright: 'import { test } from "@playwright/test"; import { useAudioApi } from "audio-mockserver/playwright";',
};
const FS = {
  ...Object.fromEntries(["node-test", "vitest", "playwright"].map((runner) => [runner, 'import fs from "node:fs";'])),
  jest: 'const fs = require("node:fs");',
};
const FILE = { "node-test": "a.test.js", vitest: "a.test.js", jest: "a.test.cjs", playwright: "a.spec.js" };

const FAILING = `
const audio = useAudioApi();
const post = (path, key = audio.apiKey) =>
  fetch(audio.baseURL + path, { method: "POST", headers: { authorization: "Bearer " + key } });

test("exchanges", async () => {
  await post("/threads");
  await audio.verifyChat({ times: 1 });
});
test("other keys", async () => {
  await post("/assistants", "sk-mock-someone");
  throw new Error("It fails.");
});
test("passes", async () => {
  await post("/runs");
});
test("no exchanges", async () => {
  await audio.server.everyone.reset();
  throw new Error("It fails.");
});
`;

describe("a failing test", () => {
  for (const [runner, file] of Object.entries(FILE)) {
    test(`of ${runner} shows its exchanges`, async () => {
      const { folder, remove } = await project({ [file]: IMPORTS[runner] + FAILING });
      const { status, output } = await runTests(runner, folder);
      assert.equal(status, 1, output);
      const [shown] = output.match(/Exchanges with the audio APIs:[^]*/) ?? [output];
      assert.match(output, /Wanted exactly 1 request with \{"endpoint": "chat"\}, got 0\.\n.*near miss: .* POST \/v1\/threads/);
      assert.match(shown, /POST \/v1\/threads → 404, endpoint_not_served/);
      assert.match(shown, /POST \/v1\/threads is not served by this mock server/);
      assert.match(shown, /No request had the API key of this test\. Requests with other keys:/);
      assert.match(shown, /POST \/v1\/assistants → 404/);
      assert.match(shown, /The server received no request with the API key of this test\./);
      assert.doesNotMatch(output, /v1\/runs/); // of a test that passes
      await remove();
    });
  }
});

const ENDLESS = `
const audio = useAudioApi();
test("endless", async () => {
  fs.writeFileSync("started.part", JSON.stringify({ url: audio.url, pid: process.pid }));
  fs.renameSync("started.part", "started");
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}, TIMEOUT);
`;

describe("no server is left", () => {
  for (const [runner, file] of Object.entries(FILE)) {
    for (const killed of ["the runner", "the worker"]) {
      test(`if ${killed} of ${runner} is killed`, async () => {
        const timeout = ["vitest", "jest"].includes(runner) ? "600_000" : "";
        const endless = IMPORTS[runner] + FS[runner] + ENDLESS.replace("TIMEOUT", timeout);
        // Jest has workers if there are several files.
        const files = runner === "jest" ? { "b.test.cjs": 'test("another", () => undefined);' } : {};
        const { folder, remove } = await project({ [file]: endless, ...files });
        const [program, ...args] = RUNNERS[runner];
        const child = spawn(program, args, { cwd: folder, stdio: "ignore" });
        const exited = new Promise((resolve) => child.once("exit", resolve));
        await eventually(() => existsSync(join(folder, "started")));
        const { url, pid } = JSON.parse(readFileSync(join(folder, "started"), "utf8"));
        try {
          assert.equal(await answers(url), true);
          assert.notEqual(pid, child.pid);
          process.kill(killed === "the runner" ? child.pid : pid, "SIGKILL");
          await eventually(async () => !(await answers(url)));
        } finally {
          child.kill("SIGKILL");
          await exited;
          kill(pid);
        }
        await remove();
      });
    }
  }
});

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}
