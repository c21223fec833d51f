import { spawn, type ChildProcess } from "node:child_process";
import type { Command } from "./command.js";
import { AudioMockServerError } from "./errors.js";

const SHOWN = 4000; // characters of the server's messages in an error
const BANNER = /^audio-mockserver at (https?:\/\/\S+)\/v1\b/m; // the first line that the server prints
const STOP_SECONDS = 15;

/**
 * The process of a server.
 *
 * Its standard input is a pipe that this process never writes to. The server stops when the pipe is closed: by
 * `stop()`, or by the system when this process ends, even if it is killed. Nothing of it keeps this process running.
 */
export class ServerProcess {
  private messages = "";
  private end = "";
  private readonly exited: Promise<string>; // how it has ended

  private constructor(
    private readonly child: ChildProcess,
    private readonly line: string,
  ) {
    child.stderr?.on("data", (data: Buffer) => (this.messages = (this.messages + data.toString()).slice(-SHOWN)));
    child.stdin?.on("error", () => undefined); // it has ended already
    this.exited = new Promise((resolve) => {
      child.once("error", (error) => {
        this.end = `${line} cannot be run: ${error.message}.`;
        resolve(this.end);
      });
      child.once("close", (code, signal) => {
        this.end ||= `${line} has ended (${signal ?? `status ${code}`}).`;
        resolve(this.end);
      });
    });
  }

  /** Starts a server; resolves to its process and URL. Rejects with `AudioMockServerError`, and leaves no process. */
  static async start(command: Command): Promise<[ServerProcess, string]> {
    const child = spawn(command.program, command.args, {
      env: { ...process.env, ...command.environment },
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
    });
    const server = new ServerProcess(child, [command.program, ...command.args].join(" "));
    const url = await server.ready(command.seconds);
    server.letGo();
    return [server, command.url ?? url];
  }

  /** Why the server does not answer, if its process has ended; otherwise empty. */
  get failure(): string {
    return this.end && [this.end, this.messages.trim()].filter(Boolean).join("\n");
  }

  /** Stops the server, and kills it if that takes too long. */
  async stop(): Promise<void> {
    this.child.ref();
    this.child.stdin?.end();
    if (!(await within(STOP_SECONDS, this.exited))) this.abandon();
  }

  /** Resolves to the URL that the server prints. */
  private async ready(seconds: number): Promise<string> {
    const url = await within(seconds, Promise.race([this.banner(), this.exited]));
    if (url && !this.end) return url;
    const problem = this.failure || `${this.line} has printed no address within ${seconds} s.\n${this.messages.trim()}`;
    this.abandon();
    throw new AudioMockServerError(`The server did not start. ${problem}`);
  }

  private banner(): Promise<string> {
    let printed = "";
    return new Promise((resolve) => {
      this.child.stdout?.on("data", (data: Buffer) => {
        if (printed.length < SHOWN) printed += data.toString();
        const found = BANNER.exec(printed)?.[1];
        if (found) resolve(found);
      });
    });
  }

  /** Kills the process without waiting for it. A server that it has started itself ends with its standard input. */
  private abandon(): void {
    this.child.kill("SIGKILL");
    for (const stream of [this.child.stdin, this.child.stdout, this.child.stderr]) stream?.destroy();
  }

  /** Lets this process end while the server runs. */
  private letGo(): void {
    this.child.unref();
    for (const stream of [this.child.stdin, this.child.stdout, this.child.stderr]) {
      (stream as unknown as { unref(): void }).unref();
    }
  }
}

/** Resolves to the value of a promise, or to `undefined` after some seconds. */
async function within<T>(seconds: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
