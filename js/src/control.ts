import type { Connection } from "./connection.js";
import { ControlError, VerificationError } from "./errors.js";
import type { components, paths } from "./openapi.js";

/** The types of the documents that the control API takes. */
export type Schemas = components["schemas"];
/** A JSON object that the control API returns. */
export type Json = Record<string, any>;

type Verb = "get" | "put" | "post" | "delete" | "patch";
type Path = keyof paths;
type VerbOf<P extends Path> = {
  [V in Verb]: [NonNullable<paths[P][V]>] extends [never] ? never : V;
}[Verb];
type MethodOf<P extends Path> = Uppercase<VerbOf<P>>;
type Operation<P extends Path, M extends MethodOf<P>> = NonNullable<paths[P][Lowercase<M> & VerbOf<P>]>;

type PathOf<O> = O extends { parameters: { path: infer V extends object } } ? { path: V } : { path?: never };
type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? { query?: NonNullable<Q> } : { query?: never };
type BodyOf<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? { body: B }
  : O extends { requestBody?: { content: { "application/json": infer B } } }
    ? { body?: B }
    : { body?: never };
type Options<O> = PathOf<O> & QueryOf<O> & BodyOf<O> & { timeout?: number };
type Arguments<O> = Record<never, never> extends Options<O> ? [options?: Options<O>] : [options: Options<O>];

/** The options of any operation. */
type Given = { path?: object; query?: object; body?: unknown; timeout?: number };

/** The control API of a server for one account, or for all accounts, with the paths and types of its OpenAPI document. */
export class ControlApi {
  constructor(
    private readonly connection: Connection,
    readonly key?: string,
  ) {}

  /**
   * Calls an operation: `call("PUT", "/_mock/limits", { body: { tier: "free" } })`.
   *
   * Resolves to the JSON of the answer, or to a `Buffer` if the answer is not JSON. `timeout` are seconds, by default
   * 60. Rejects with `ControlError` for a refusal, `VerificationError` for a failed verification.
   */
  async call<P extends Path, M extends MethodOf<P>>(
    method: M,
    path: P,
    ...options: Arguments<Operation<P, M>>
  ): Promise<Json> {
    const [given = {}] = options as unknown as [given?: Given];
    const answer = await this.connection.send({
      method,
      path: filled(path, given.path, given.query),
      key: this.key,
      body: given.body,
      ...(given.timeout === undefined ? {} : { timeout: given.timeout }),
    });
    const json = answer.type.startsWith("application/json");
    const document: Json = json ? (JSON.parse(answer.body.toString()) as Json) : answer.body;
    if (answer.status < 400) return document;
    const message = json && typeof document.error === "string" ? document.error : answer.body.toString();
    if (answer.status === 422) throw new VerificationError(message, document.near_misses);
    throw new ControlError(answer.status, message);
  }
}

/** Returns a path with its variables and query. */
function filled(path: string, variables: object = {}, query: object = {}): string {
  const values = variables as Record<string, string>;
  const written = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
  const asked = new URLSearchParams(Object.entries(query) as [string, string][]).toString();
  return asked ? `${written}?${asked}` : written;
}
