import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants, statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { AudioMockServerError } from "./errors.js";
import { VERSION } from "./version.js";

/** A command that starts a server. */
export interface Command {
  program: string;
  args: string[];
  /** The environment variables that the server needs. */
  environment: Environment;
  /** The URL of the server, if it is not the one that the server prints: that of a container. */
  url?: string;
  /** Seconds that the start may take. More if something may be downloaded first. */
  seconds: number;
}

type Environment = Record<string, string>;

const PORT_IN_CONTAINER = 4010;
const SECONDS = 60;
const SECONDS_WITH_DOWNLOAD = 600;
// Exits with status 0 if the package is installed. The module is only in ours, not in mockserver-client.
const HAS_PACKAGE =
  "import importlib.util as u, sys; sys.exit(not (u.find_spec('mockserver') and u.find_spec('mockserver.namesake')))";

/**
 * Returns the command that starts a server with these environment variables, the first of:
 *
 * 1. `AUDIO_MOCKSERVER_COMMAND`, a program with arguments, to which `serve` is added;
 * 2. the container image `AUDIO_MOCKSERVER_IMAGE`, run by `docker` or `podman`;
 * 3. `audio-mockserver` in `PATH`;
 * 4. `python3 -m mockserver` or `python -m mockserver`, if the package is installed there;
 * 5. `uvx audio-mockserver@VERSION`, which downloads it.
 *
 * What was named comes first, what must be downloaded last. Rejects with `AudioMockServerError` if there is none.
 */
export async function chooseCommand(environment: Environment): Promise<Command> {
  const { AUDIO_MOCKSERVER_COMMAND: named = "", AUDIO_MOCKSERVER_IMAGE: image = "" } = process.env;
  if (named.trim()) return fromWords(words(named), environment);
  if (image.trim()) return fromImage(image.trim(), environment);
  const installed = inPath("audio-mockserver");
  if (installed) return { program: installed, args: ["serve"], environment, seconds: SECONDS };
  for (const python of ["python3", "python"].map(inPath)) {
    if (python && (await succeeds(python, ["-c", HAS_PACKAGE]))) {
      return { program: python, args: ["-m", "mockserver", "serve"], environment, seconds: SECONDS };
    }
  }
  const uvx = inPath("uvx");
  if (uvx) {
    const args = [`audio-mockserver@${VERSION}`, "serve"];
    return { program: uvx, args, environment, seconds: SECONDS_WITH_DOWNLOAD };
  }
  throw new AudioMockServerError(
    "No server was found: PATH has no audio-mockserver, no Python with the package audio-mockserver, and no uvx. " +
      "Install one (`pip install audio-mockserver`, or uv), or set AUDIO_MOCKSERVER_COMMAND, AUDIO_MOCKSERVER_IMAGE " +
      "or AUDIO_MOCKSERVER_URL.",
  );
}

function fromWords([program = "", ...args]: string[], environment: Environment): Command {
  return { program, args: [...args, "serve"], environment, seconds: SECONDS_WITH_DOWNLOAD };
}

async function fromImage(image: string, environment: Environment): Promise<Command> {
  const program = inPath("docker") ?? inPath("podman");
  if (!program) {
    throw new AudioMockServerError(
      `AUDIO_MOCKSERVER_IMAGE is ${image}, but PATH has neither docker nor podman. Install one, or unset the variable.`,
    );
  }
  const inside = { ...environment, MOCKSERVER_HOST: "0.0.0.0", MOCKSERVER_PORT: String(PORT_IN_CONTAINER) };
  const port = Number(environment.MOCKSERVER_PORT) || (await freePort());
  const args = [
    ...["run", "--rm", "--interactive", "--name", `audio-mockserver-${randomBytes(6).toString("hex")}`],
    ...["--publish", `127.0.0.1:${port}:${PORT_IN_CONTAINER}`],
    ...Object.keys(inside).flatMap((name) => ["--env", name]), // with the value of this name in its environment
    image,
  ];
  return { program, args, environment: inside, url: `http://127.0.0.1:${port}`, seconds: SECONDS_WITH_DOWNLOAD };
}

/** Returns the words of a command line. Quotes keep spaces in a word. */
export function words(line: string): string[] {
  const found = line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return found.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

/** Returns the path of a program in `PATH`. */
function inPath(program: string): string | undefined {
  const suffixes = process.platform === "win32" ? [".exe", ".cmd", ".bat"] : [""];
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const paths = folders.flatMap((folder) => suffixes.map((suffix) => join(folder, program + suffix)));
  return paths.find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function succeeds(program: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => execFile(program, args, { timeout: 20_000 }, (error) => resolve(error === null)));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
