import type { AudioApi } from "./audio-api.js";
import { ClientEnvironment } from "./environment.js";
import { AudioMockServerError } from "./errors.js";
import type { AccountOptions, Server, ServerSettings } from "./server.js";
import { startServer } from "./server.js";

/** Options of `useAudioApi()`. */
export interface UseOptions extends AccountOptions {
  /** Settings of the server, which is started for the tests of this file. */
  server?: ServerSettings;
}

/** The API for the account of the test that runs. */
export interface TestApi extends AudioApi {
  /** The server, which is shared by the tests. */
  readonly server: Server;
  /** Returns the API for the account of a test, by its context: where several tests run at the same time. */
  of(test: object): AudioApi;
}

/** Seconds that a hook may take: the start of a server may include its download. */
export const HOOK_SECONDS = 660;

const WATCHING = 1000; // milliseconds

/** A server, and an account of it for each test that runs. The runners call its methods in their hooks. */
export class TestAccounts {
  private server: Server | undefined;
  private failure: unknown;
  private watch: NodeJS.Timeout | undefined;
  private readonly running = new Map<object, AudioApi>();
  private readonly environment = new ClientEnvironment();

  constructor(private readonly options: UseOptions) {}

  /** Starts or joins the server. */
  async start(): Promise<void> {
    this.watch = whenOrphaned(() => void this.server?.stop());
    try {
      this.server = await startServer(this.options.server);
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  /** Stops the server. */
  async stop(): Promise<void> {
    clearInterval(this.watch);
    await this.server?.stop();
    this.server = undefined;
  }

  /** Gives a test its account. */
  async begin(test: object): Promise<void> {
    this.running.set(test, await this.started.account(this.options));
    this.environment.update([...this.running.values()]);
  }

  /** Removes the state of a test's account. Returns its exchanges if it has `failed`. */
  async end(test: object, failed: boolean): Promise<string | undefined> {
    const api = this.running.get(test);
    if (!api) return undefined; // its account could not be made
    this.running.delete(test);
    this.environment.update([...this.running.values()]);
    const report = failed ? await this.report(api) : undefined;
    await api.reset();
    if (api.clock.isChanged) await api.clock.reset();
    return report;
  }

  /** The API for the test that runs. */
  get api(): TestApi {
    const more = { of: (test: object) => this.of(test) };
    const accounts = this;
    return new Proxy(more as TestApi, {
      get(_, name) {
        if (name === "of") return more.of;
        if (name === "server") return accounts.started;
        if (typeof name === "symbol" || name === "then" || name === "toJSON") return undefined; // of promises, printing
        const api = accounts.current(name);
        const value: unknown = Reflect.get(api, name, api);
        return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(api) : value;
      },
    });
  }

  private get started(): Server {
    if (this.server) return this.server;
    if (this.failure !== undefined) throw this.failure;
    throw new AudioMockServerError("The server is started before the first test. Use it in a test or in a hook.");
  }

  private current(name: string): AudioApi {
    const [api, another] = this.running.values();
    if (api && !another) return api;
    throw new AudioMockServerError(
      api
        ? `${name}: several tests run at the same time, or a test has subtests. Say which one: audio.of(context).`
        : `${name}: no test is running. Each test has an account of its own: use it in a test or in a beforeEach hook.`,
    );
  }

  private of(test: object): AudioApi {
    const api = this.running.get(test);
    if (api) return api;
    throw new AudioMockServerError("audio.of(): this is not the context of a test that is running.");
  }

  private async report(api: AudioApi): Promise<string> {
    try {
      return `Exchanges with the audio APIs:\n${(await api.exchanges()) || (await this.withoutExchanges())}`;
    } catch (error) {
      return `The exchanges with the audio APIs cannot be shown. ${String(error)}`;
    }
  }

  /** Explains why a test has no exchanges: its clients have other API keys, or call another URL. */
  private async withoutExchanges(): Promise<string> {
    const others = this.started.isJoined ? "" : await this.started.everyone.exchanges();
    return others
      ? `No request had the API key of this test. Requests with other keys:\n${others}\nA client that was created ` +
          "before the test, by an earlier test or when a module was imported, has another key."
      : "The server received no request with the API key of this test. A client that was created before the test, " +
          "such as when a module was imported, has another base URL or key: it may have called the real API.";
  }
}

/** Calls `act` when the runner has ended whose worker this is, for a worker that goes on without it. */
function whenOrphaned(act: () => void): NodeJS.Timeout | undefined {
  const isWorker = process.send !== undefined || process.env.NODE_TEST_CONTEXT !== undefined;
  const runner = process.ppid; // in Jest, `process` is a copy that does not change
  return isWorker ? setInterval(() => isRunning(runner) || act(), WATCHING).unref() : undefined;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it is another user's
  }
}
