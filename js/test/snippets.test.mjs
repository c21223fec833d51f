// The examples of docs/javascript.md and README.md run, in a project with the published package.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { startServer } from "audio-mockserver";
import { PACKAGE, ROOT, RUNNERS, project, run, runTests } from "./support.mjs";

/** Returns the examples of a page by the comment before them: `vitest: a.test.js`, or the name of a file. */
function examples(page) {
  const found = page.matchAll(/^<!-- ([^\n]+) -->\n```(?:js|ts)\n(.*?)^```$/gms);
  return Object.fromEntries([...found].map(([, name, text]) => [name, text]));
}

const GUIDE = readFileSync(`${ROOT}/docs/javascript.md`, "utf8");
const IN_GUIDE = examples(GUIDE);
const IN_README = examples(readFileSync(`${PACKAGE}/README.md`, "utf8"));

for (const runner of Object.keys(RUNNERS)) {
  test(`the examples for ${runner} pass`, async () => {
    const ours = Object.entries({ ...IN_GUIDE, ...prefixed(IN_README) }).flatMap(([name, text]) =>
      name.startsWith(`${runner}: `) ? [[name.slice(runner.length + 2), text]] : [],
    );
    assert.ok(ours.length > 0);
    const files = { "summary.js": IN_GUIDE["summary.js"], ...Object.fromEntries(ours), ...CONFIGURATION[runner] };
    const { folder, remove } = await project(files);
    const { status, output } = await runTests(runner, folder);
    assert.equal(status, 0, output);
    await remove();
  });
}

// Vitest's tests join the server of the example for its global set-up.
const CONFIGURATION = {
  vitest: { "vitest.config.js": 'export default { test: { globalSetup: "./global-setup.js" } };' },
  jest: {},
  playwright: {},
  "node-test": {},
};

const prefixed = (found) =>
  Object.fromEntries(Object.entries(found).map(([name, text]) => [name.replace(": ", ": readme-"), text]));

test("the program without a test runner runs, and ends", async () => {
  const { folder, remove } = await project({ "program.js": IN_GUIDE["program.js"] });
  const { status, output } = await run(process.execPath, ["program.js"], { cwd: folder });
  assert.deepEqual([status, output], [0, "It is sunny.\n"]);
  await remove();
});

test("a server is joined as the guide says", async () => {
  const [, variables] = /^<!-- runnable -->\n```sh\n(.*?)^```$/ms.exec(GUIDE);
  const server = await startServer();
  const given = variables.replace("http://127.0.0.1:4010", server.url).replace("open sesame", server.token);
  const program = 'import("audio-mockserver").then((all) => all.startServer()).then((joined) => console.log(joined.url))';
  const { status, output } = await run("sh", ["-c", `${given}\nexec "$0" -e '${program}'`, process.execPath], {
    cwd: PACKAGE,
  });
  await server.stop();
  assert.deepEqual([status, output], [0, `${server.url}\n`]);
});

test("every example of the guide is run, or says why not", () => {
  const blocks = [...GUIDE.matchAll(/^```(?:js|ts)$/gm)];
  assert.equal(Object.keys(IN_GUIDE).length, blocks.length);
  const commands = [...GUIDE.matchAll(/^(.*)\n```sh$/gm)].map(([, before]) => before);
  assert.deepEqual(commands.map((before) => /^<!-- (runnable|not run: .+) -->$/.test(before)), [true, true]);
});
