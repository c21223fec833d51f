import type { Schemas } from "./control.js";

/** One name or several; `*` and `?` are wildcards. */
export type Names = Schemas["when_names"];

/** Conditions on a request. They have the names of the documents: `user_text`, `sample_rate`, … */
export type Conditions = Omit<Schemas["when"], "endpoint">;

/** Conditions on a request and its answer. */
export type JournalConditions = Omit<Schemas["journal_when"], "endpoint">;

/** Conditions and options of a stub. */
export type StubOptions = Conditions & Pick<Schemas["stub"], "times" | "priority" | "name" | "enabled">;

type Reply = Schemas["reply"];

/** The time of a reply: waits in seconds, `jitter` as a fraction of them. */
export type Pace = Pick<Reply, "delay" | "first_byte" | "tokens_per_second" | "jitter">;

/** Options of any reply. */
export type ReplyOptions = Pace & Pick<Reply, "headers" | "template">;

/** Options of a reply that is a whole body. */
export type RawReplyOptions = ReplyOptions & Pick<Reply, "status" | "content_type">;

/** Options of a reply with a text that is written or spoken. */
export type WordsReplyOptions = ReplyOptions &
  Pick<Reply, "finish_reason" | "tool_calls" | "items" | "failure" | "flagged">;

/** Options of a reply with a transcript. */
export type TranscriptOptions = WordsReplyOptions &
  Pick<Reply, "language" | "duration" | "segments" | "words" | "logprobs" | "job">;

/** Options of an error reply. */
export interface ErrorReplyOptions extends Pace {
  message?: string;
  /** Seconds after which the client should retry. */
  retry_after?: number;
}

type Fault = Omit<Schemas["fault"], "id" | "when" | "error" | "fault" | "times">;

/** What a fault does, to which requests, and when. `times: null` are all requests; by default it is one. */
export type FaultOptions = Conditions & Fault & { endpoint?: Names; times?: number | null };

/** Bounds of a verification; without any, at least one request is wanted. */
export interface Bounds {
  times?: number;
  at_least?: number;
  at_most?: number;
}

/** Bounds of a wait: by default one request, within 10 seconds. */
export interface WaitBounds {
  at_least?: number;
  timeout?: number;
}

/** A usage tier. */
export type Tier = NonNullable<Schemas["limits"]["tier"]>;

/** An entry of the journal. docs/journal.md describes all members. */
export interface JournalEntry {
  id: string;
  time: number;
  endpoint: string | null;
  operation: string | null;
  method: string;
  path: string;
  headers: Record<string, string>;
  model: string | null;
  request: any;
  audio: { place: string; file: string | null; size: number; duration: number | null; heard: string | null }[];
  heard: string | null;
  user_text: string | null;
  prompt: string | null;
  status: number | null;
  error: string | null;
  answered_by: string | null;
  stub: string | null;
  in_flight: boolean;
  hung_up: boolean;
  [member: string]: unknown;
}

/** Returns the members of `options` with one of the `names`, and the others. */
export function split(options: object, names: readonly string[]): [own: object, others: object] {
  const members = Object.entries(options).filter(([, value]) => value !== undefined);
  const isOwn = ([name]: [string, unknown]) => names.includes(name);
  return [
    Object.fromEntries(members.filter(isOwn)),
    Object.fromEntries(members.filter((member) => !isOwn(member))),
  ];
}
