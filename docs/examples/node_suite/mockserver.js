// Starts `mockserver serve`, and drives it over its control API. Nothing but Node is needed.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

let accounts = 0;

/** A server on a free port, as a process of its own. */
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

/** The address in the first line that the server prints. */
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

/** The test double of one account: what is scripted for it, no other account sees. */
class Account {
  constructor(url, apiKey) {
    this.url = url;
    this.apiKey = apiKey;
    this.baseURL = `${url}/v1`;
  }

  /** Answers the requests of a pattern. */
  stub(when, reply, more = {}) {
    return this.#call("POST", "stubs", { when, reply, ...more });
  }

  /** Fails requests with an error of the catalog. */
  fail(error, more = {}) {
    return this.#call("POST", "faults", { error, ...more });
  }

  /** Throws, naming what came nearest, unless as many requests came as should. */
  verify(when, bounds = { at_least: 1 }) {
    return this.#call("POST", "verify", { when, ...bounds });
  }

  /** The exchanges so far. */
  async journal() {
    return (await this.#call("GET", "journal")).entries;
  }

  /** Moves the clock, which all accounts share. */
  advanceClock(seconds) {
    return this.#call("PUT", "clock", { advance: seconds });
  }

  /** Forgets all of it. */
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
