import { randomBytes } from "node:crypto";
import { delimiter } from "node:path";
import { AudioApi } from "./audio-api.js";
import { chooseCommand } from "./command.js";
import { Connection } from "./connection.js";
import type { Schemas } from "./control.js";
import type { Tier } from "./documents.js";
import { AudioMockServerError } from "./errors.js";
import { ServerProcess } from "./process.js";
import { VERSION, isCompatible } from "./version.js";

/** The settings of a server by name: `{ whisper_model: "none", strictness: "schema", stubs: ["tests/stubs"] }`. */
export type ServerSettings = Record<string, string | number | boolean | string[]>;

/** The tier and settings of an account. */
export interface AccountOptions {
  /** The usage tier; by default that of the server's setting `tier`. */
  tier?: Tier;
  /** Settings of the account. */
  settings?: Schemas["settings"];
}

const JOIN_SECONDS = 10;
// The server must answer this program only, and stop with it, without waiting for requests that hang.
const DEFAULTS = { port: 0, log_level: "warning", shutdown_seconds: 1 };

/** A server: started by this process, or joined. */
export class Server {
  /** @internal */
  constructor(
    private readonly connection: Connection,
    private readonly process?: ServerProcess,
  ) {}

  /** The address of the server. */
  get url(): string {
    return this.connection.url;
  }

  /** The token of its control API; empty if it has none. */
  get token(): string {
    return this.connection.token;
  }

  /** Whether another program has started the server. It is not stopped then. */
  get isJoined(): boolean {
    return this.process === undefined;
  }

  /** The API for all accounts of the server. */
  get everyone(): AudioApi {
    return new AudioApi(this.connection);
  }

  /** Returns the API for a new account, or for that of an API key. */
  async account(options: AccountOptions & { key?: string } = {}): Promise<AudioApi> {
    const api = new AudioApi(this.connection, options.key ?? `sk-mock-js-${randomBytes(12).toString("hex")}`);
    if (options.tier !== undefined) await api.setTier(options.tier);
    if (options.settings !== undefined) await api.configure(options.settings);
    return api;
  }

  /** Stops the server, unless it was joined. */
  async stop(): Promise<void> {
    await this.process?.stop();
  }
}

/**
 * Starts a server on a free port, or joins the one at `AUDIO_MOCKSERVER_URL`.
 *
 * The server ends with this process, however that ends. Rejects with `AudioMockServerError` if it does not start, does
 * not answer, or has another version.
 */
export async function startServer(settings: ServerSettings = {}): Promise<Server> {
  const { AUDIO_MOCKSERVER_URL: url = "", AUDIO_MOCKSERVER_TOKEN: token = "" } = process.env;
  if (url.trim()) {
    if (Object.keys(settings).length > 0) {
      throw new AudioMockServerError(
        `AUDIO_MOCKSERVER_URL names a server that runs already (${url}), so its settings cannot be given here: ` +
          `${Object.keys(settings).join(", ")}. Give them to the program that starts it.`,
      );
    }
    return joinServer(url, token);
  }
  const secret = randomBytes(16).toString("hex");
  const environment = variables({ ...DEFAULTS, ...settings, control_token: secret, stop_on_eof: true });
  const [child, address] = await ServerProcess.start(await chooseCommand(environment));
  try {
    const connection = new Connection(address, secret, () => child.failure);
    await check(connection);
    return new Server(connection, child);
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** Joins a server that runs, by its URL and the token of its control API. Rejects with `AudioMockServerError`. */
export async function joinServer(url: string, token = ""): Promise<Server> {
  const address = url.trim().replace(/\/+$/, "").replace(/\/v1$/, "");
  if (!/^https?:\/\/./.test(address) || !URL.canParse(address)) {
    throw new AudioMockServerError(`${url} is not the URL of a server. Give one such as http://127.0.0.1:4010.`);
  }
  const connection = new Connection(address, token);
  await check(connection);
  return new Server(connection);
}

/**
 * Starts a server for all workers of a test runner: they join it, because it sets `AUDIO_MOCKSERVER_URL` and
 * `AUDIO_MOCKSERVER_TOKEN`. For the global set-up of Vitest, Jest or Playwright. Returns a function that stops it.
 */
export async function shareServer(settings: ServerSettings = {}): Promise<() => Promise<void>> {
  const server = await startServer(settings);
  process.env.AUDIO_MOCKSERVER_URL = server.url;
  process.env.AUDIO_MOCKSERVER_TOKEN = server.token;
  return () => server.stop();
}

/** Rejects unless a server of this version answers, and its control API, too. */
async function check(connection: Connection): Promise<void> {
  const health = await connection.send({ method: "GET", path: "/_mock/health", timeout: JOIN_SECONDS });
  const version = versionIn(health.body);
  if (health.status !== 200 || version === undefined) {
    throw new AudioMockServerError(`${connection.url} is not an audio-mockserver: it has no /_mock/health.`);
  }
  if (!isCompatible(version)) {
    throw new AudioMockServerError(
      `The server at ${connection.url} has version ${version}, and this npm package ${VERSION}. ` +
        "Install the same version of both.",
    );
  }
  const clock = await connection.send({ method: "GET", path: "/_mock/clock", timeout: JOIN_SECONDS });
  if (clock.status === 401 || clock.status === 403) {
    const { error } = JSON.parse(clock.body.toString()) as { error: string };
    throw new AudioMockServerError(
      `The control API of the server at ${connection.url} refuses this program: ${error} ` +
        "Set AUDIO_MOCKSERVER_TOKEN to the server's control_token.",
    );
  }
}

function versionIn(body: Buffer): string | undefined {
  try {
    const { version, status } = JSON.parse(body.toString()) as Record<string, unknown>;
    return status === "ok" && typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the environment variables of settings. */
function variables(settings: ServerSettings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      `MOCKSERVER_${name.toUpperCase()}`,
      Array.isArray(value) ? value.join(delimiter) : String(value),
    ]),
  );
}
