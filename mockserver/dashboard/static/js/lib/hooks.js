/** Hooks: data of the control API, and live events, in components. */
import * as access from "./access.js";
import { get } from "./api.js";
import { subscribe } from "./live.js";
import { useCallback, useEffect, useRef, useState } from "./preact.js";

/**
 * Return the JSON answer to a GET of the control API: `{data, error, loading, reload}`.
 *
 * It is read again when the path, the query or the account changes, and by `reload()`; `data` stays meanwhile, and if
 * that fails, unless it is of another account. With a `path` of `null` nothing is read. `read` is
 * `get`, or a function like it.
 */
export function useJson(path, query = undefined, read = get) {
  const [state, setState] = useState({ data: null, error: null, loading: Boolean(path) });
  const asked = JSON.stringify(query ?? null);
  const turn = useRef(0);
  const shown = useRef(null); // the headers of the account whose data are shown
  const reload = useCallback(async () => {
    if (!path) return;
    const own = ++turn.current;
    const account = JSON.stringify(access.headers());
    setState((before) => ({ ...before, loading: true }));
    try {
      const data = await read(path, JSON.parse(asked) ?? undefined);
      if (own !== turn.current) return;
      shown.current = account;
      setState({ data, error: null, loading: false });
    } catch (error) {
      if (own !== turn.current) return;
      setState(({ data }) => ({ data: account === shown.current ? data : null, error, loading: false }));
    }
  }, [path, asked]);
  useEffect(() => {
    reload();
    return access.onChange(reload);
  }, [reload]);
  return { ...state, reload };
}

/**
 * Subscribe to live events of the journal (see `subscribe`) while the component exists. Return the connection's state.
 *
 * With a `query` of `null` there is no connection.
 */
export function useLive(query, handlers) {
  const [state, setState] = useState("paused");
  const latest = useRef(handlers);
  latest.current = handlers;
  const asked = JSON.stringify(query);
  useEffect(() => {
    const selected = JSON.parse(asked);
    if (selected === null) {
      setState("paused");
      return undefined;
    }
    return subscribe(selected, {
      onEntry: (entry) => latest.current.onEntry?.(entry),
      onRemoved: (id) => latest.current.onRemoved?.(id),
      onDeleted: () => latest.current.onDeleted?.(),
      onSkipped: () => (latest.current.onSkipped ?? latest.current.onDeleted)?.(),
      onChanged: (parts) => latest.current.onChanged?.(parts),
      onState: setState,
    });
  }, [asked]);
  return state;
}

/**
 * Call `reread` when an exchange has come, and when one of the `parts` of the server was changed: stubs, faults, limits,
 * settings, models, the clock. Return the connection's state.
 */
export function useNews(query, parts, reread) {
  return useLive({ ...query, changes: true }, {
    onEntry: reread,
    onDeleted: reread,
    onChanged: (changed) => changed.some((part) => parts.includes(part)) && reread(),
  });
}

/** Return a function that calls `action` at most once in `milliseconds`, also after the last of its own calls. */
export function useThrottled(action, milliseconds) {
  const latest = useRef(action);
  latest.current = action;
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    if (timer.current) return;
    timer.current = setTimeout(() => {
      timer.current = 0;
      latest.current();
    }, milliseconds);
  }, [milliseconds]);
}
