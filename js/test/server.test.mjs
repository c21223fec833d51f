// Starting and joining servers, and the errors where that fails.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { AudioMockServerError, VERSION, joinServer, shareServer, startServer } from "audio-mockserver";
import { words } from "../dist/esm/command.js";
import { ServerProcess } from "../dist/esm/process.js";
import { isCompatible } from "../dist/esm/version.js";
import { COMMAND, answers, eventually, run, website } from "./support.mjs";

const PYTHON = words(COMMAND)[0];
const CLOSED = "http://127.0.0.1:1";

let before;
let folder;
beforeEach(() => {
  before = { ...process.env };
  folder = mkdtempSync(join(tmpdir(), "audio-mockserver-test-"));
});
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  rmSync(folder, { recursive: true });
});

/** Writes a program into a folder that becomes the whole `PATH`. */
function onlyInPath(name, script) {
  const path = join(folder, "bin", name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  process.env.PATH = dirname(path);
  delete process.env.AUDIO_MOCKSERVER_COMMAND;
}

/** The beginning of a script that writes its arguments to a file, for `given()`. */
const record = () => `for word; do printf '%s\\n' "$word"; done > ${folder}/given`;
const given = () => readFileSync(join(folder, "given"), "utf8").trimEnd().split("\n");
const serve = (...more) => `${more.join(" ")} exec "${PYTHON}" -m mockserver serve`;

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function works(server) {
  assert.ok((await server.everyone.clock.now()) > 0);
  await server.stop();
  assert.equal(await answers(server.url), false);
}

describe("what is run", () => {
  test("the command that is named, with its arguments", async () => {
    onlyInPath("given-program", `${record()}; ${serve()}`);
    process.env.AUDIO_MOCKSERVER_COMMAND = `"${folder}/bin/given-program" --from 'a wheel' b`;
    await works(await startServer());
    assert.deepEqual(given(), ["--from", "a wheel", "b", "serve"]);
  });

  test("a container image, by docker, which gets the settings in its environment", async () => {
    // In place of a container, the script runs the server with the variables and at the port that docker would forward.
    const port = `$(echo "$given" | sed -n 's/^127.0.0.1:\\([0-9]*\\):4010$/\\1/p')`;
    onlyInPath("docker", `PATH=/usr/bin:/bin; ${record()}; given=$(cat ${folder}/given); ${serve(`MOCKSERVER_HOST=127.0.0.1 MOCKSERVER_PORT=${port}`)}`);
    process.env.AUDIO_MOCKSERVER_IMAGE = "audio-mockserver:slim";
    await works(await startServer({ strictness: "schema" }));
    const words = given();
    assert.deepEqual(words.slice(0, 4), ["run", "--rm", "--interactive", "--name"]);
    assert.equal(words.at(-1), "audio-mockserver:slim");
    const passed = words.filter((_, index) => words[index - 1] === "--env");
    for (const name of ["HOST", "PORT", "CONTROL_TOKEN", "STOP_ON_EOF", "STRICTNESS"]) {
      assert.ok(passed.includes(`MOCKSERVER_${name}`), name);
    }
  });

  test("the installed program", async () => {
    onlyInPath("audio-mockserver", `${record()}; ${serve()}`);
    await works(await startServer());
    assert.deepEqual(given(), ["serve"]);
  });

  test("Python with the package", async () => {
    onlyInPath("python3", `${record()}; exec "${PYTHON}" "$@"`);
    await works(await startServer());
    assert.deepEqual(given(), ["-m", "mockserver", "serve"]);
  });

  test("uvx, if Python lacks the package", async () => {
    onlyInPath("python3", "exit 1");
    onlyInPath("uvx", `${record()}; ${serve()}`);
    await works(await startServer());
    assert.deepEqual(given(), [`audio-mockserver@${VERSION}`, "serve"]);
  });

  test("nothing, if there is nothing: the error says what to do", async () => {
    onlyInPath("other", "");
    await assert.rejects(startServer(), {
      name: "AudioMockServerError",
      message: /^No server was found: PATH has no audio-mockserver, .*`pip install audio-mockserver`/,
    });
    process.env.AUDIO_MOCKSERVER_IMAGE = "audio-mockserver";
    await assert.rejects(startServer(), /PATH has neither docker nor podman/);
  });
});

describe("a server that does not start", () => {
  test("its program does not exist", async () => {
    process.env.AUDIO_MOCKSERVER_COMMAND = "/no/such/program";
    await assert.rejects(startServer(), /^AudioMockServerError: The server did not start\. \/no\/such\/program serve cannot be run: .*ENOENT/);
  });

  test("Python lacks the package", async () => {
    process.env.AUDIO_MOCKSERVER_COMMAND = `"${PYTHON}" -S -m mockserver`;
    const reason = { message: /The server did not start\. .* has ended \(status 1\)\.\n.*No module named/s };
    const here = process.cwd();
    process.chdir(folder);
    await assert.rejects(startServer(), reason);
    process.chdir(here);
  });

  test("a setting is unknown, or invalid", async () => {
    await assert.rejects(startServer({ whisper_modell: "none" }), /MOCKSERVER_WHISPER_MODELL: unknown setting\. Did you mean/);
    await assert.rejects(startServer({ strictness: "strict" }), /MOCKSERVER_STRICTNESS/);
  });

  test("its port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await eventually(() => other.listening);
    const { port } = other.address();
    await assert.rejects(startServer({ port }), new RegExp(`The server did not start\\..*${port}.*in use`, "s"));
    other.close();
  });

  test("it prints no address in time: no process is left", async () => {
    const file = join(folder, "pid");
    const command = { program: "/bin/sh", args: ["-c", `echo $$ > ${file}; exec sleep 600`], environment: {}, seconds: 2 };
    await assert.rejects(ServerProcess.start(command), /has printed no address within 2 s/);
    const pid = Number(readFileSync(file, "utf8"));
    await eventually(() => !isRunning(pid));
  });

  test("it has another version", async () => {
    onlyInPath("old", 'echo "audio-mockserver at $OLD/v1 (strictness: real)"; read line');
    const old = await website(() => [200, { status: "ok", version: "0.0.9" }]);
    Object.assign(process.env, { OLD: old.url, AUDIO_MOCKSERVER_COMMAND: join(folder, "bin", "old") });
    await assert.rejects(startServer(), /has version 0\.0\.9, and this npm package .* Install the same version of both\./);
    old.close();
  });

  test("the program of the tests ends, whatever the server does", async () => {
    const program = `import { startServer } from "audio-mockserver";
      const stopped = startServer().then(() => console.log("started"));
      stopped.catch((error) => { console.error(error.message); process.exitCode = 3; });`;
    const env = { AUDIO_MOCKSERVER_COMMAND: "/no/such/program" };
    const { status } = await run(process.execPath, ["--input-type=module", "-e", program], { env });
    assert.equal(status, 3);
    const { output } = await run(process.execPath, ["--input-type=module", "-e", program]);
    assert.equal(output, "started\n"); // and it ended although the server was not stopped
  });
});

describe("a server that ends", () => {
  test("the next call says so, with its last messages", async () => {
    const server = await startServer({ allow_shutdown: true });
    await server.everyone.control.call("POST", "/_mock/shutdown");
    await eventually(async () => !(await answers(server.url)));
    await eventually(() => server.everyone.clock.now().then(() => false, (error) => /has ended \(status 0\)/.test(error.message)));
    await server.stop();
  });
});

describe("a server that is joined", () => {
  test("needs its token", async () => {
    const server = await startServer();
    process.env.AUDIO_MOCKSERVER_URL = `${server.url}/v1/`;
    await assert.rejects(startServer(), /refuses this program: .*the header is missing.* Set AUDIO_MOCKSERVER_TOKEN/);
    process.env.AUDIO_MOCKSERVER_TOKEN = "another";
    await assert.rejects(startServer(), /the header is wrong.* Set AUDIO_MOCKSERVER_TOKEN/);
    process.env.AUDIO_MOCKSERVER_TOKEN = server.token;
    const joined = await startServer();
    assert.deepEqual([joined.url, joined.isJoined, server.isJoined], [server.url, true, false]);
    await joined.stop();
    assert.equal(await answers(server.url), true);
    await assert.rejects(startServer({ strictness: "off" }), /its settings cannot be given here: strictness/);
    await server.stop();
  });

  test("is shared by the workers of a runner", async () => {
    const stop = await shareServer({ strictness: "schema" });
    assert.equal((await startServer()).url, process.env.AUDIO_MOCKSERVER_URL);
    await stop();
    await assert.rejects(startServer(), /does not answer GET \/_mock\/health/);
  });

  test("must be there, be an audio-mockserver, and have the version", async () => {
    await assert.rejects(joinServer(CLOSED), /The server at http:\/\/127\.0\.0\.1:1 does not answer .*ECONNREFUSED/);
    await assert.rejects(joinServer("127.0.0.1:4010"), /is not the URL of a server/);
    const other = await website(() => [404, {}]);
    await assert.rejects(joinServer(other.url), /is not an audio-mockserver/);
    other.close();
    const newer = await website(() => [200, { status: "ok", version: "99.0.0" }]);
    await assert.rejects(joinServer(newer.url), AudioMockServerError);
    newer.close();
  });
});

test("versions belong together if they have the same major version, of 0.x the same minor one", () => {
  const [major, minor] = VERSION.split(".");
  assert.ok(isCompatible(`${major}.${minor}.99`));
  assert.ok(!isCompatible(`${major}.${Number(minor) + 1}.0`) || major !== "0");
  assert.ok(!isCompatible(`${Number(major) + 1}.${minor}.0`));
});
