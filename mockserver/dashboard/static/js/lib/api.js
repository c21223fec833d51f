/** Calls of the server: the control API below `/_mock`, as the chosen account, and the API itself. */
import * as access from "./access.js";
import { parse, write } from "./exact-json.js";

/** The path that the server is mounted at, without a slash at its end. */
export const ROOT = document.documentElement.dataset.root ?? "";

const PAGES = `${ROOT}/_mock/dashboard`; // the beginning of the paths of the dashboard's pages
const LATIN = /^[\t\x20-\x7e\x80-\xff]*$/; // what a header can have

/** A refusal of a call: its status (0 if the server did not answer), its message and its body. */
export class ApiError extends Error {
  constructor(status, message, body = null) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** Return the URL of a page, such as `page("exchanges", id)`. */
export const page = (...parts) => [PAGES, ...parts.map(encodeURIComponent)].join("/");

/** Return a path with the members of `query` that are neither empty nor undefined; a list repeats its member. */
export function withQuery(path, query = {}) {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== "") pairs.append(name, each);
    }
  }
  return pairs.size ? `${path}?${pairs}` : path;
}

/** Send a request to any path of the server as it is. Return the `Response`. Throws `ApiError` without an answer. */
export async function request(method, path, options = {}) {
  if (!Object.values(options.headers ?? {}).every((value) => LATIN.test(value))) {
    throw new ApiError(0, "An API key or token has characters that a header cannot have. Correct it.");
  }
  try {
    return await fetch(ROOT + path, { method, cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer. Is it still running?");
  }
}

/** Call the control API. Return the `Response`. Throws `ApiError` with the message of a refusal. */
export async function call(method, path, { query, headers = {}, ...options } = {}) {
  const sent = { ...access.headers(), ...headers };
  const response = await request(method, withQuery(path, query), { ...options, headers: sent });
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new ApiError(response.status, body?.error?.message ?? body?.error ?? `Status ${response.status}.`, body);
}

/** Return the JSON answer to a GET request. */
export const get = async (path, query, options) => (await call("GET", path, { query, ...options })).json();

/** Return the same with integers of any size (see `exact-json.js`), as clients may send them. */
export const getExact = async (path, query) => parse(await (await call("GET", path, { query })).text());

/** Send a JSON body, if there is one. Return the JSON answer. */
export async function send(method, path, body) {
  const content = body === undefined ? {} : {
    body: write(body), headers: { "content-type": "application/json" },
  };
  return (await call(method, path, content)).json();
}

/** Return the body of the answer to a GET request as a `Blob`. */
export const blob = async (path, query) => (await call("GET", path, { query })).blob();
