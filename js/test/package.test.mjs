// The package as it is published.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startServer } from "audio-mockserver";
import { typesOf } from "../tools/types.mjs";
import { PACKAGE, ROOT, packed, run } from "./support.mjs";

const read = (name) => readFileSync(join(ROOT, name), "utf8");
const manifest = JSON.parse(read("js/package.json"));
const tool = (name, ...args) => run(process.execPath, [join(PACKAGE, "node_modules", name), ...args], { cwd: PACKAGE });

let folder;
let archive;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "audio-mockserver-package-"));
  archive = await packed(folder);
});
after(() => rmSync(folder, { recursive: true }));

describe("the package", () => {
  test("contains what it needs, and nothing else", async () => {
    const { output } = await run("tar", ["-tzf", archive]);
    const files = output.trim().split("\n").map((name) => name.replace(/^package\//, ""));
    assert.deepEqual(
      files.filter((name) => !/^dist\/(esm|cjs)\/(runners\/)?[\w-]+(\.d\.ts|\.js)$/.test(name)).sort(),
      ["LICENSE", "README.md", "dist/cjs/package.json", "package.json"],
    );
    const targets = JSON.stringify(manifest.exports).match(/\.\/dist[^"]+/g);
    assert.deepEqual(targets.filter((target) => !files.includes(target.slice(2))), []);
  });

  test("has no dependencies and no install script", () => {
    assert.equal(manifest.dependencies, undefined);
    assert.deepEqual(Object.keys(manifest.scripts).filter((name) => /install|prepare/.test(name)), []);
    const optional = Object.entries(manifest.peerDependenciesMeta).filter(([, { optional }]) => optional);
    assert.deepEqual(optional.map(([name]) => name), Object.keys(manifest.peerDependencies));
  });

  test("belongs to the server: version, licence, repository", () => {
    const [, version] = /__version__ = "(.+)"/.exec(read("mockserver/version.py"));
    const [, repository] = /^Repository = "(.+)"$/m.exec(read("pyproject.toml"));
    assert.equal(manifest.version, version);
    assert.match(read("js/src/version.ts"), new RegExp(`VERSION = "${version}"`));
    assert.equal(JSON.parse(read("js/package-lock.json")).version, version);
    assert.equal(manifest.repository.url, `git+${repository}.git`);
    assert.equal(read("js/LICENSE"), read("LICENSE"));
  });

  test("is locked without the name of a registry", () => {
    assert.doesNotMatch(read("js/package-lock.json"), /"resolved"/);
  });

  test("is correct for publint and Are the types wrong?", async () => {
    const linted = await tool("publint/src/cli.js", archive, "--strict");
    assert.equal(linted.status, 0, linted.output);
    // Vitest can only be imported.
    const checked = await tool("@arethetypeswrong/cli/dist/index.js", archive, "--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm");
    assert.equal(checked.status, 0, checked.output);
  });

  test("can be imported and required", async () => {
    const require = createRequire(import.meta.url);
    for (const entry of Object.keys(manifest.exports).filter((name) => !/json|jest|vitest|playwright/.test(name))) {
      const name = entry.replace(".", "audio-mockserver");
      assert.deepEqual(Object.keys(require(name)).sort(), Object.keys(await import(name)).sort());
    }
  });
});

describe("the types", () => {
  test("are those of the server's OpenAPI document: after a change, run `make js-types`", async () => {
    const server = await startServer();
    const document = await server.everyone.control.call("GET", "/_mock/openapi.json");
    await server.stop();
    assert.ok(read("js/src/openapi.ts") === (await typesOf(document)), "src/openapi.ts is not up to date");
  });

  test("accept and refuse what they should", async () => {
    const { status, output } = await tool("typescript/bin/tsc", "-p", "test");
    assert.equal(status, 0, output);
  });
});

test("the guide names every method", () => {
  const guide = read("docs/javascript.md");
  const source = ["audio-api", "stubs", "clock", "webhooks", "telephone"].map((name) => read(`js/src/${name}.ts`)).join("");
  const methods = [...source.matchAll(/^ {2}(?:async |get )?(\w+)(?:<.*>)?\(/gm)].map(([, name]) => name);
  const inner = ["constructor", "then", "reset"];
  assert.deepEqual(methods.filter((name) => !inner.includes(name) && !new RegExp(`\\b${name}\\b`).test(guide)), []);
  assert.ok(methods.length > 60);
});
