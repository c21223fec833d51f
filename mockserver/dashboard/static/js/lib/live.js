/**
 * Live events of the journal: one stream of server-sent events by `fetch`, which can send headers, unlike `EventSource`.
 *
 * The stream is closed while the tab is hidden, because a browser opens only six connections to a server, and resumed
 * where it ended.
 */
import * as access from "./access.js";
import { call } from "./api.js";

const FIRST_RETRY = 500; // milliseconds
const LAST_RETRY = 10_000;

/**
 * Report the entries of the journal that `query` selects, from now on or from `query.after` on.
 *
 * `onEntry(entry)` is called for each that is added or changed, `onRemoved(id)` for one that is no longer selected,
 * `onDeleted()` when entries were deleted, so that lists have to be read again, `onSkipped()` when there were too many
 * changes to report each, by default the same, `onChanged(parts)` when stubs, faults, limits, … were changed, if the
 * query has `changes`, `onState("on" | "off" | "paused" | "failed")` when the connection begins
 * or ends. It has `failed` when the server refuses to go on, since the conditions take too long: it is not opened again.
 * Returns a function that closes the stream.
 */
export function subscribe(query, reactions) {
  const { onEntry, onRemoved, onDeleted, onSkipped = onDeleted, onChanged, onState = () => {} } = reactions;
  const handlers = {
    entry: onEntry,
    removed: ({ id }) => onRemoved?.(id),
    deleted: () => onDeleted?.(),
    skipped: () => onSkipped?.(),
    changed: ({ parts }) => onChanged?.(parts),
    failed: fail,
  };
  let ending = null; // an AbortController while the stream is open
  let cursor = query.after ?? "";
  let retry = FIRST_RETRY;
  let timer = 0;

  async function open() {
    clearTimeout(timer);
    const own = new AbortController();
    ending = own;
    try {
      const path = "/_mock/journal/events";
      const response = await call("GET", path, { query: { ...query, after: cursor }, signal: own.signal });
      onState("on");
      retry = FIRST_RETRY;
      for await (const event of eventsOf(response.body)) {
        if (event.id) cursor = event.id;
        if (Object.hasOwn(handlers, event.type)) handlers[event.type](JSON.parse(event.data));
      }
    } catch (error) {
      if (error.status === 400 && cursor) {
        cursor = "";
        onDeleted?.();
      }
    }
    if (ending !== own) return;
    onState("off");
    timer = setTimeout(open, retry);
    retry = Math.min(2 * retry, LAST_RETRY);
  }

  function close() {
    clearTimeout(timer);
    const own = ending;
    ending = null;
    own?.abort();
  }

  function fail() {
    close();
    onState("failed");
  }

  function onVisibility() {
    close();
    if (document.hidden) onState("paused");
    else open();
  }

  function onAccess() {
    close();
    cursor = "";
    onDeleted?.();
    open();
  }

  document.addEventListener("visibilitychange", onVisibility);
  const forget = access.onChange(onAccess);
  if (!document.hidden) open();
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    forget();
    close();
  };
}

/** Yield the events of a stream of server-sent events: `{type, id, data}`. */
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parsed(block);
        if (event.data || event.id || event.type !== "message") yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parsed(block) {
  const event = { type: "message", id: "", data: "" };
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === "event") event.type = value;
    if (name === "id") event.id = value;
    if (name === "data") event.data += (event.data && "\n") + value;
  }
  return event;
}
