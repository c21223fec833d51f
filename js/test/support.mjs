// The server that the tests start, and projects that use the package as it is published.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const PACKAGE = join(ROOT, "js");
export const HELLO = join(ROOT, "fixtures", "hello.wav");
delete process.env.NODE_TEST_CONTEXT; // otherwise Node's runner runs nothing in a test

export const COMMAND = process.env.AUDIO_MOCKSERVER_COMMAND ?? `"${join(ROOT, ".venv/bin/python")}" -m mockserver`;

const BUILD = join(ROOT, "build", "js");

process.env.AUDIO_MOCKSERVER_COMMAND = COMMAND;
process.env.MOCKSERVER_WHISPER_MODEL = "none"; // starts faster

/** Runs a program; resolves to its status and output, whatever the status is. */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { maxBuffer: 1e8, ...options, env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0", ...options.env } },
      (error, stdout, stderr) => resolve({ status: error ? (error.code ?? error.signal) : 0, output: stdout + stderr }),
    );
    child.stdin.end();
  });
}

/** Writes the package as it is published, by `npm pack`, into a folder; returns its path. */
export async function packed(folder) {
  const { status, output } = await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], {
    cwd: PACKAGE,
  });
  if (status !== 0) throw new Error(output);
  return join(folder, output.trim().split("\n").at(-1));
}

let archive; // made once

/** Makes a folder that is removed when the tests end. */
async function temporary() {
  const folder = await mkdtemp(join(BUILD, "archive-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes a project with the published package, the other packages of the tests, and these files. */
export async function project(files) {
  await mkdir(BUILD, { recursive: true });
  const folder = await mkdtemp(join(BUILD, "project-"));
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "audio-mockserver"), { recursive: true });
  archive ??= temporary().then(packed);
  await run("tar", ["-xzf", await archive, "--strip-components=1", "-C", join(modules, "audio-mockserver")]);
  for (const name of await readdir(join(PACKAGE, "node_modules"))) {
    if (!name.startsWith(".")) await symlink(join(PACKAGE, "node_modules", name), join(modules, name));
  }
  await symlink(join(ROOT, "fixtures"), join(folder, "fixtures"));
  const all = { "package.json": JSON.stringify({ name: "project", private: true, type: "module" }), ...files };
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The command of each runner, to be run in a project. */
export const RUNNERS = {
  "node-test": [process.execPath, "--test"],
  vitest: [process.execPath, "node_modules/vitest/vitest.mjs", "run"],
  jest: [process.execPath, "node_modules/jest/bin/jest.js", "--maxWorkers=2"],
  playwright: [process.execPath, "node_modules/@playwright/test/cli.js", "test", "--reporter=line"],
};

/** Runs the tests of a project. */
export function runTests(runner, folder, options = {}) {
  const [program, ...args] = RUNNERS[runner];
  return run(program, args, { cwd: folder, ...options });
}

/** Resolves when a condition holds; rejects after 60 seconds. */
export async function eventually(condition) {
  for (let tries = 0; tries < 1200; tries += 1) {
    if (await condition()) return;
    await sleep(50);
  }
  throw new Error("It has not happened within 60 s.");
}

/** Returns whether a server answers at a URL. */
export async function answers(url) {
  try {
    await fetch(`${url}/_mock/health`);
    return true;
  } catch {
    return false;
  }
}

/** Starts a web server that answers each request with `answer(request)`: a status and a JSON value. */
export async function website(answer) {
  const server = createServer((request, response) => {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      const [status, value] = answer(request, Buffer.concat(pieces).toString());
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
