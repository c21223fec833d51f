import { request } from "node:http";
import { request as requestByTls } from "node:https";
import { AudioMockServerError } from "./errors.js";

export interface Answer {
  status: number;
  type: string;
  body: Buffer;
}

export interface Asked {
  method: string;
  path: string;
  /** The API key of the account; without it, the call applies to all accounts. */
  key?: string | undefined;
  /** The body, sent as JSON. */
  body?: unknown;
  /** Seconds for the whole answer. */
  timeout?: number;
}

const TIMEOUT = 60;

/**
 * Sends calls to the control API of a server.
 *
 * It uses `node:http`, not `fetch`, which tests often replace. Each call has a TCP connection of its own, so that none
 * keeps the process running.
 */
export class Connection {
  constructor(
    readonly url: string,
    readonly token: string,
    private readonly explain: () => string = () => "",
  ) {}

  /** Sends a call and returns the answer. Rejects with `AudioMockServerError` if there is none. */
  send(asked: Asked): Promise<Answer> {
    const seconds = asked.timeout ?? TIMEOUT;
    const body = asked.body === undefined ? undefined : JSON.stringify(asked.body);
    const headers = {
      ...(asked.key === undefined ? {} : { authorization: `Bearer ${asked.key}` }),
      ...(this.token === "" ? {} : { "x-mock-control-token": this.token }),
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    };
    const url = new URL(this.url + asked.path);
    return new Promise((resolve, reject) => {
      const failed = (error: Error) => {
        const why = this.explain() || `${error.message || String(error)}.`;
        reject(new AudioMockServerError(`The server at ${this.url} does not answer ${asked.method} ${asked.path}: ${why}`));
      };
      const send = url.protocol === "https:" ? requestByTls : request;
      const sent = send(url, { method: asked.method, headers, agent: false }, (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("error", failed);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers["content-type"] ?? "",
            body: Buffer.concat(pieces),
          }),
        );
      });
      sent.setTimeout(seconds * 1000, () => sent.destroy(new Error(`it took more than ${seconds} s`)));
      sent.on("error", failed);
      sent.end(body);
    });
  }
}
