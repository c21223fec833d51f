// Starts `mockserver serve` and uses its control API. It needs only Node.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

let accounts = 0;

/** A server on a free port, in a separate process. */
export async function startServer(...options) {
  const program = process.env.MOCKSERVER ?? "mockserver";
  const server = spawn(program, ["serve", "--port", "0", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((resolve, reject) => server.once("exit", resolve).once("error", reject));
  const url = await Promise.race([addressIn(server.stdout), exited]);
  if (typeof url !== "string") throw new Error(`${program} ended with status ${url}`);
  return {
    url,
    account: (tier = "tier-5") => new Account(url, `sk-mock-${tier}-node-${process.pid}-${++accounts}`),
    stop: () => (server.kill(), exited),
  };
}

/** Returns the address in the first line that the server prints. */
async function addressIn(output) {
  for await (const line of createInterface(output)) {
    const found = /http:\/\/[^/ ]+/.exec(line);
    if (found) {
      output.resume();
      return found[0];
    }
  }
  return null;
}

/** The test double of one account; its stubs and faults do not affect other accounts. */
class Account {
  constructor(url, apiKey) {
    this.url = url;
    this.apiKey = apiKey;
    this.baseURL = `${url}/v1`;
  }

  /** Adds a stub for the requests that match a pattern. */
  stub(when, reply, more = {}) {
    return this.#call("POST", "stubs", { when, reply, ...more });
  }

  /** Fails requests with an error of the catalog. */
  fail(error, more = {}) {
    return this.#call("POST", "faults", { error, ...more });
  }

  /** Throws an error with the near misses unless the expected number of requests arrived. */
  verify(when, bounds = { at_least: 1 }) {
    return this.#call("POST", "verify", { when, ...bounds });
  }

  /** Returns the journal entries of the account. */
  async journal() {
    return (await this.#call("GET", "journal")).entries;
  }

  /** Moves the clock, which is shared by all accounts. */
  advanceClock(seconds) {
    return this.#call("PUT", "clock", { advance: seconds });
  }

  /** Resets the account. */
  reset() {
    return this.#call("POST", "reset");
  }

  async #call(method, path, body) {
    const response = await fetch(`${this.url}/_mock/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.apiKey}`, "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer, null, 2)}`);
    return answer;
  }
}
