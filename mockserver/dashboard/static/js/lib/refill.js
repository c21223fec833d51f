/** Buckets of rate limits between two answers of the control API, as the server refills them. */

/**
 * Return a gauge of `GET /_mock/limits` `seconds` of the server's clock later, if nobody has used it.
 *
 * `level` is what remains, as a part of the limit from 0 to 1.
 */
export function later(gauge, seconds) {
  if (gauge.drained || !gauge.window_seconds) return { ...gauge, level: gauge.remaining / gauge.limit };
  const reset = Math.max(0, gauge.reset_ms - seconds * 1000);
  const part = Math.min(1, reset / (gauge.window_seconds * 1000));
  const used = Math.ceil(part * gauge.limit - 1e-6); // a part of a request is as good as used
  return { ...gauge, used, remaining: gauge.limit - used, reset_ms: reset, level: 1 - part };
}

/** Return whether a gauge changes by itself. */
export const refills = (gauge) => gauge.window_seconds > 0 && !gauge.drained && gauge.reset_ms > 0;
