import { Clock } from "./clock.js";
import type { Connection } from "./connection.js";
import type { Json, Schemas } from "./control.js";
import { ControlApi } from "./control.js";
import type {
  Bounds,
  FaultOptions,
  JournalConditions,
  JournalEntry,
  Names,
  StubOptions,
  Tier,
  WaitBounds,
} from "./documents.js";
import { split } from "./documents.js";
import type { Fault, FaultKind } from "./faults.js";
import { addFault } from "./faults.js";
import { StubBuilder } from "./stubs.js";
import { TelephoneCall } from "./telephone.js";
import { Webhooks } from "./webhooks.js";

type VerifyOptions = JournalConditions & Bounds;
type WaitOptions = JournalConditions & WaitBounds;

/**
 * The mock server for one account, or for all accounts: scripts answers and faults, moves the clock, and verifies
 * requests.
 *
 * Methods that call the server reject with `ControlError` for an invalid argument.
 */
export class AudioApi {
  /** The control API for this account, for calls that have no method here. */
  readonly control: ControlApi;
  /** The clock of the server, which all accounts share. */
  readonly clock: Clock;
  /** The webhooks of this account. */
  readonly webhooks: Webhooks;

  /** Takes the connection to a server, and the API key of the account; without it, it is for all accounts. */
  constructor(connection: Connection, key?: string) {
    this.url = connection.url;
    this.apiKey = key ?? "sk-mock-me";
    this.control = new ControlApi(connection, key);
    this.clock = new Clock(this.control);
    this.webhooks = new Webhooks(this.control);
  }

  /** The address of the server. */
  readonly url: string;

  /** The API key for clients. */
  readonly apiKey: string;

  /** The base URL for clients. */
  get baseURL(): string {
    return `${this.url}/v1`;
  }

  /** The options for a client of the official SDK: `new OpenAI(audio.clientOptions)`. */
  get clientOptions(): { baseURL: string; apiKey: string } {
    return { baseURL: this.baseURL, apiKey: this.apiKey };
  }

  /**
   * Selects requests of an endpoint, or of any, that satisfy the conditions, to script their answers.
   *
   * `times` limits the number of answers. The stub with the highest `priority` answers; of equal ones the latest.
   */
  on(endpoint?: Names, options: StubOptions = {}): StubBuilder {
    const [own, when] = split(options, ["times", "priority", "name", "enabled"]);
    return new StubBuilder(this.control, { ...own, when: { ...given(endpoint), ...when } });
  }

  /** Selects requests for a transcription. */
  onTranscription(options?: StubOptions): StubBuilder {
    return this.on("transcriptions", options);
  }

  /** Selects requests for a translation. */
  onTranslation(options?: StubOptions): StubBuilder {
    return this.on("translations", options);
  }

  /** Selects requests for speech. */
  onSpeech(options?: StubOptions): StubBuilder {
    return this.on("speech", options);
  }

  /** Selects chats. */
  onChat(options?: StubOptions): StubBuilder {
    return this.on("chat", options);
  }

  /** Selects requests for a response (`/v1/responses`). */
  onResponse(options?: StubOptions): StubBuilder {
    return this.on("responses", options);
  }

  /** Selects embeddings. */
  onEmbedding(options?: StubOptions): StubBuilder {
    return this.on("embeddings", options);
  }

  /** Selects moderations. */
  onModeration(options?: StubOptions): StubBuilder {
    return this.on("moderations", options);
  }

  /** Selects completions (not chat completions). */
  onCompletion(options?: StubOptions): StubBuilder {
    return this.on("completions", options);
  }

  /** Selects turns of Realtime sessions: what was `heard`, the `turn`, … */
  onRealtime(options?: StubOptions): StubBuilder {
    return this.on("realtime", options);
  }

  /** Selects what users say in Realtime sessions, to script its transcript. */
  onRealtimeTranscription(options?: StubOptions): StubBuilder {
    return this.on("realtime_transcriptions", options);
  }

  /** Answers the next request that satisfies the conditions with an error, by its name or status. */
  failNext(error: string | number, options: FaultOptions = {}): Promise<Fault> {
    return addFault(this.control, { error }, options);
  }

  /** Breaks the next request that satisfies the conditions, its connection or its answer. */
  breakNext(fault: FaultKind, options: FaultOptions = {}): Promise<Fault> {
    return addFault(this.control, { fault }, options);
  }

  /**
   * Asserts the number of requests that satisfy the conditions; without bounds, at least one must. Rejects with
   * `VerificationError`, which has the near misses.
   */
  async verify(endpoint?: Names, options: VerifyOptions = {}): Promise<void> {
    const [bounds, when] = split(options, ["times", "at_least", "at_most"]);
    const { times, ...others } = bounds as Bounds;
    const body = { ...others, ...(times === undefined ? {} : { exactly: times }) };
    await this.control.call("POST", "/_mock/verify", { body: { ...body, when: { ...given(endpoint), ...when } } });
  }

  /** Asserts the number of requests for a transcription; see `verify`. */
  verifyTranscription(options?: VerifyOptions): Promise<void> {
    return this.verify("transcriptions", options);
  }

  /** Asserts the number of requests for a translation; see `verify`. */
  verifyTranslation(options?: VerifyOptions): Promise<void> {
    return this.verify("translations", options);
  }

  /** Asserts the number of requests for speech; see `verify`. */
  verifySpeech(options?: VerifyOptions): Promise<void> {
    return this.verify("speech", options);
  }

  /** Asserts the number of chats; see `verify`. */
  verifyChat(options?: VerifyOptions): Promise<void> {
    return this.verify("chat", options);
  }

  /** Asserts the number of requests for a response (`/v1/responses`); see `verify`. */
  verifyResponse(options?: VerifyOptions): Promise<void> {
    return this.verify("responses", options);
  }

  /** Asserts the number of turns of Realtime sessions; without conditions on turns, that of sessions. */
  verifyRealtime(options?: VerifyOptions): Promise<void> {
    return this.verify("realtime", options);
  }

  /**
   * Waits until requests have arrived that satisfy the conditions: by default one, within 10 seconds. Rejects with
   * `VerificationError`, which has the near misses.
   */
  async waitFor(endpoint?: Names, options: WaitOptions = {}): Promise<void> {
    const [bounds, when] = split(options, ["at_least", "timeout"]);
    const timeout = (options.timeout ?? 10) + 60;
    const body = { ...bounds, when: { ...given(endpoint), ...when } };
    await this.control.call("POST", "/_mock/wait", { body, timeout });
  }

  /** Waits for requests for a transcription; see `waitFor`. */
  waitForTranscription(options?: WaitOptions): Promise<void> {
    return this.waitFor("transcriptions", options);
  }

  /** Waits for requests for a translation; see `waitFor`. */
  waitForTranslation(options?: WaitOptions): Promise<void> {
    return this.waitFor("translations", options);
  }

  /** Waits for requests for speech; see `waitFor`. */
  waitForSpeech(options?: WaitOptions): Promise<void> {
    return this.waitFor("speech", options);
  }

  /** Waits for chats; see `waitFor`. */
  waitForChat(options?: WaitOptions): Promise<void> {
    return this.waitFor("chat", options);
  }

  /** Waits for requests for a response (`/v1/responses`); see `waitFor`. */
  waitForResponse(options?: WaitOptions): Promise<void> {
    return this.waitFor("responses", options);
  }

  /** Waits for turns of Realtime sessions, also of those in progress; see `verifyRealtime`. */
  waitForRealtime(options?: WaitOptions): Promise<void> {
    return this.waitFor("realtime", options);
  }

  /** Returns the journal entries, oldest first. */
  async journal(): Promise<JournalEntry[]> {
    return (await this.control.call("GET", "/_mock/journal")).entries as JournalEntry[];
  }

  /** Returns the latest exchanges as text, followed by likely mistakes of the code under test. */
  async exchanges(): Promise<string> {
    return (await this.control.call("GET", "/_mock/journal/report")).report as string;
  }

  /** Changes settings of this account; `null` undoes a change. */
  async configure(changes: Schemas["settings"]): Promise<void> {
    await this.control.call("PATCH", "/_mock/settings", { body: changes });
  }

  /** Sets the usage tier of this account. */
  async setTier(tier: Tier): Promise<void> {
    await this.control.call("PUT", "/_mock/limits", { body: { tier } });
  }

  /** Changes rate limits of a model and of the models that share them; `null` removes a limit. */
  async setLimits(model: string, limits: NonNullable<Schemas["limits"]["limits"]>): Promise<void> {
    await this.control.call("PUT", "/_mock/limits", { body: { model, limits } });
  }

  /** Adds a model that behaves `like` another one except for the changes, until a reset. */
  async addModel(id: string, changes: Omit<Schemas["model"], "id"> = {}): Promise<void> {
    await this.control.call("POST", "/_mock/models", { body: { id, ...changes } });
  }

  /** Removes a model that was added. */
  async removeModel(name: string): Promise<void> {
    await this.control.call("DELETE", "/_mock/models/{name}", { path: { name } });
  }

  /** Sends an event to the webhooks that subscribe to its type, by default with sample data. */
  sendWebhook(type: string, data?: Json): Promise<Json[]> {
    return this.webhooks.send(type, data === undefined ? {} : { data });
  }

  /** Calls by telephone (SIP), which the webhook `realtime.call.incoming` announces. */
  async telephone(call: Partial<Schemas["telephone_call"]> = {}): Promise<TelephoneCall> {
    const body = { from: "sip:caller@example.com", to: "sip:you@example.com", ...call };
    return new TelephoneCall(this.control, (await this.control.call("POST", "/_mock/calls", { body })).id as string);
  }

  /** Returns a snapshot of the state of this account. */
  async snapshot(): Promise<Schemas["snapshot"]> {
    return (await this.control.call("GET", "/_mock/snapshot")) as Schemas["snapshot"];
  }

  /** Replaces the state of this account by a snapshot: entirely or not at all. */
  async restore(snapshot: Schemas["snapshot"]): Promise<void> {
    await this.control.call("PUT", "/_mock/snapshot", { body: snapshot });
  }

  /** Resets this account: stubs, faults, journal, limits, settings, files and other stored objects. */
  async reset(): Promise<void> {
    await this.control.call("POST", "/_mock/reset");
  }
}

function given(endpoint: Names | undefined): { endpoint?: Names } {
  return endpoint === undefined ? {} : { endpoint };
}
