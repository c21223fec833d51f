/** The server's clock, which may be frozen, moved or sped up, as the answers of the control API have it. */
import { useEffect, useMemo, useReducer } from "./preact.js";

/** Return a function that returns the server's time, in seconds since 1970; its clock has just shown `state`. */
export function running(state) {
  const since = performance.now();
  return () => state.frozen ? state.now : state.now + (performance.now() - since) / 1000 * state.scale;
}

/**
 * Return the server's time, in seconds since 1970; `null` without a `state`.
 *
 * The component is shown again every `milliseconds` while the clock runs, unless they are 0.
 */
export function useServerTime(state, milliseconds) {
  const now = useMemo(() => (state ? running(state) : null), [state]);
  const [, show] = useReducer((number) => number + 1, 0);
  const moves = Boolean(state) && !state.frozen && milliseconds > 0;
  useEffect(() => {
    if (!moves) return undefined;
    const timer = setInterval(show, milliseconds);
    return () => clearInterval(timer);
  }, [moves, milliseconds]);
  return now?.() ?? null;
}
