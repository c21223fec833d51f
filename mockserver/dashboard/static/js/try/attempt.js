/** Requests of the API as a user's program would send them, and what became of them. */
import { request } from "../lib/api.js";
import { eventsOf } from "../lib/live.js";
import { useCallback, useEffect, useRef, useState } from "../lib/preact.js";

/**
 * Send a `FormData` or a JSON value with an API key. Return `{response, exchange}`.
 *
 * The exchange has `status`, `headers` (pairs), `id` (by which the journal knows it), `ms` (until the answer began) and
 * for a refusal the `body`, as text.
 */
export async function post(path, { key, form, json, signal }) {
  const headers = { authorization: `Bearer ${key}`, ...(json && { "content-type": "application/json" }) };
  const began = performance.now();
  const response = await request("POST", path, { headers, body: form ?? JSON.stringify(json), signal });
  const exchange = {
    status: response.status,
    headers: [...response.headers],
    id: response.headers.get("x-request-id"),
    ms: performance.now() - began,
    body: response.ok ? null : await response.text(),
  };
  return { response, exchange };
}

/** Yield the bytes of an answer as they arrive. */
export async function* piecesOf(response) {
  const reader = response.body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Yield the events of a streamed answer as JSON values. */
export async function* streamed(response) {
  for await (const event of eventsOf(response.body)) {
    if (event.data && event.data !== "[DONE]") yield JSON.parse(event.data);
  }
}

/**
 * Return `{state, start, stop}`: the state of the latest attempt, and functions that begin and end one.
 *
 * `start(run)` ends the attempt before, and calls `run({signal, update})`; what it passes to `update` becomes members of
 * the state, beside `running` and `failure`, the message of an attempt that failed without an answer.
 */
export function useAttempt() {
  const [state, setState] = useState({ running: false });
  const latest = useRef(null);
  const stop = useCallback(() => latest.current?.abort(), []);
  useEffect(() => stop, [stop]);
  const start = useCallback(async (run) => {
    stop();
    const own = new AbortController();
    latest.current = own;
    const update = (changes) => {
      if (own === latest.current) setState((before) => ({ ...before, ...changes }));
    };
    setState({ running: true });
    try {
      await run({ signal: own.signal, update });
    } catch (error) {
      update({ failure: messageOf(error) });
    } finally {
      own.abort(); // for whatever waits for the end
    }
    update({ running: false });
  }, [stop]);
  return { state, start, stop };
}

function messageOf(error) {
  if (error.name === "AbortError") return "You have stopped it.";
  return error instanceof TypeError ? `The answer broke off: ${error.message}.` : error.message;
}
