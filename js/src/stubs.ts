import { readFile } from "node:fs/promises";
import type { ControlApi, Schemas } from "./control.js";
import type {
  ErrorReplyOptions,
  Pace,
  RawReplyOptions,
  ReplyOptions,
  TranscriptOptions,
  WordsReplyOptions,
} from "./documents.js";
import { split } from "./documents.js";

type Reply = Schemas["reply"];
type Document = Omit<Schemas["stub"], "reply" | "replies" | "id">;

const PACE = ["delay", "first_byte", "tokens_per_second", "jitter"] as const satisfies (keyof Pace)[];

/**
 * A builder of the stub for a pattern. Each method that takes a reply adds the stub:
 * `await onChat({ heard: "weather" }).say("It is sunny.").next.fail("server_error")`.
 */
export class StubBuilder {
  /** Takes the stub without replies, and the reply `before` the next one. */
  constructor(
    private readonly control: ControlApi,
    private readonly document: Document,
    private readonly before?: PendingStub,
  ) {}

  /** Answers only in a `state` of a scenario, and sets the `next` one. Every scenario begins in `started`. */
  inScenario(name: string, states: { state?: string; next?: string } = {}): StubBuilder {
    return new StubBuilder(this.control, { ...this.document, scenario: { name, ...states } }, this.before);
  }

  /**
   * Replies with a text: the transcript, the message of a chat model, or the text that is spoken. An object is written
   * as JSON. A transcript can be given in `segments`, `words` or `logprobs` in place of the text.
   */
  reply(text?: string | object, options: TranscriptOptions = {}): PendingStub {
    const written = typeof text === "object" ? JSON.stringify(text) : text;
    return this.answer({ ...(written === undefined ? {} : { text: written }), ...options });
  }

  /** Replies with a text that a chat model says, spoken if the request asks for audio, or that speech speaks. */
  say(text: string, options: WordsReplyOptions = {}): PendingStub {
    return this.answer({ say: text, ...options });
  }

  /** Replies with audio, the path of a file or bytes, in the requested format; `text` is its transcript. */
  speak(audio: string | URL | Uint8Array, text = "", options: ReplyOptions = {}): PendingStub {
    const bytes = audio instanceof Uint8Array ? Promise.resolve(audio) : readFile(audio);
    const said = text === "" ? {} : { say: text };
    return this.answer(bytes.then((data) => ({ audio: { base64: base64(data) }, ...said, ...options })));
  }

  /** Replies with a tool call. For several calls, or options, use `reply(undefined, { tool_calls: […] })`. */
  callTool(name: string, values: Record<string, unknown> = {}): PendingStub {
    return this.answer({ tool_calls: [{ name, arguments: values }] });
  }

  /** Replies to an embedding with a vector, vectors for the texts in turn, or the vector of another text. */
  embed(vector: number[] | number[][] | string, options: ReplyOptions = {}): PendingStub {
    return this.answer({ ...(typeof vector === "string" ? { text: vector } : { embedding: vector }), ...options });
  }

  /** Replies to a moderation with the categories that are flagged; with an empty list, nothing is. */
  flag(categories: Schemas["reply_category"][], options: ReplyOptions = {}): PendingStub {
    return this.answer({ flagged: { input: categories }, ...options });
  }

  /** Replies with a JSON body. */
  replyJson(value: unknown, options: RawReplyOptions = {}): PendingStub {
    return this.answer({ json: value, ...options });
  }

  /** Replies with a stream of server-sent events: JSON values, or texts that are sent unchanged (`"[DONE]"`). */
  replyEvents(events: unknown[], options: RawReplyOptions = {}): PendingStub {
    return this.answer({ events, ...options });
  }

  /** Replies with a body of bytes. */
  replyBytes(body: Uint8Array, options: RawReplyOptions = {}): PendingStub {
    return this.answer({ base64: base64(body), ...options });
  }

  /** Replies with an error of the catalog, with another `message` or `retry_after` in seconds. */
  fail(error: string, options: ErrorReplyOptions = {}): PendingStub {
    const [pace, details] = split(options, PACE);
    return this.answer({ error: { name: error, ...details }, ...pace });
  }

  private answer(reply: Reply | Promise<Reply>): PendingStub {
    return new PendingStub(this.control, this.document, reply, this.before);
  }
}

/** A stub that is being added. `await` waits until it answers requests, and returns the `Stub`. */
export class PendingStub implements PromiseLike<Stub> {
  private readonly added: Promise<Stub>;

  constructor(
    private readonly control: ControlApi,
    private readonly document: Document,
    reply: Reply | Promise<Reply>,
    before?: PendingStub,
  ) {
    this.added = add(control, document, reply, before?.added);
  }

  /** The builder of the next reply. The last one repeats, unless `thenLoop()` or `thenFail()` follows. */
  get next(): StubBuilder {
    return new StubBuilder(this.control, this.document, this);
  }

  /** Starts again with the first reply after the last. */
  thenLoop(): Promise<Stub> {
    return this.added.then((stub) => stub.thenLoop());
  }

  /** Answers all requests after the last reply with the error `stub_spent`. */
  thenFail(): Promise<Stub> {
    return this.added.then((stub) => stub.thenFail());
  }

  then<T = Stub, E = never>(
    onAdded?: ((stub: Stub) => T | PromiseLike<T>) | null,
    onFailed?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    return this.added.then(onAdded, onFailed);
  }
}

/** A stub that was added. */
export class Stub {
  constructor(
    private readonly control: ControlApi,
    /** The id, as in journal entries. */
    readonly id: string,
    private readonly document: Document,
    /** The replies, in order. */
    readonly replies: readonly Reply[],
  ) {}

  /** Returns how often the stub has answered. */
  async used(): Promise<number> {
    const stub = await this.control.call("GET", "/_mock/stubs/{id}", { path: { id: this.id } });
    return stub.used as number;
  }

  /** Starts again with the first reply after the last. */
  thenLoop(): Promise<Stub> {
    return replace(this.control, this.id, { ...this.document, then: "loop" }, this.replies);
  }

  /** Answers all requests after the last reply with the error `stub_spent`. */
  thenFail(): Promise<Stub> {
    return replace(this.control, this.id, { ...this.document, then: "fail" }, this.replies);
  }

  /** Switches the stub on. */
  async enable(): Promise<void> {
    await this.control.call("PATCH", "/_mock/stubs/{id}", { path: { id: this.id }, body: { enabled: true } });
  }

  /** Switches the stub off: it answers nothing until it is switched on, and keeps its counter. */
  async disable(): Promise<void> {
    await this.control.call("PATCH", "/_mock/stubs/{id}", { path: { id: this.id }, body: { enabled: false } });
  }

  /** Removes the stub. */
  async remove(): Promise<void> {
    await this.control.call("DELETE", "/_mock/stubs/{id}", { path: { id: this.id } });
  }
}

async function add(
  control: ControlApi,
  document: Document,
  given: Reply | Promise<Reply>,
  before: Promise<Stub> | undefined,
): Promise<Stub> {
  const [earlier, reply] = await Promise.all([before, given]);
  if (earlier) return replace(control, earlier.id, document, [...earlier.replies, reply]);
  const added = await control.call("POST", "/_mock/stubs", { body: { ...document, reply } });
  return new Stub(control, added.id as string, document, [reply]);
}

async function replace(
  control: ControlApi,
  id: string,
  document: Document,
  replies: readonly Reply[],
): Promise<Stub> {
  await control.call("PUT", "/_mock/stubs/{id}", { path: { id }, body: { ...document, replies: [...replies] } });
  return new Stub(control, id, document, replies);
}

function base64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
}
