/** Numbers, times and sizes as texts. Times are by the server's clock, in the time zone of the browser. */

const number = new Intl.NumberFormat("en-US");
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
});
const DAY = 86_400_000; // milliseconds
const HIDDEN = "***"; // what is shown of short keys
const day = new Intl.DateTimeFormat("en-GB", { year: "numeric", month: "short", day: "2-digit" });

/** Return a number with separators; `–` for an unknown one. */
export const count = (value) => (value == null ? "–" : number.format(value));

/** Return a large number in few characters: `12.3K`. */
export const short = (value) => (value == null ? "–" : compact.format(value));

/** Return a time in seconds since 1970 as `12:30:05.123`. */
export const time = (seconds) => (seconds == null ? "–" : clock.format(seconds * 1000));

/** Return a time in seconds since 1970 as `29 Nov 2026`. */
export const date = (seconds) => (seconds == null ? "–" : day.format(seconds * 1000));

/** Return a time in seconds since 1970 as `29 Nov 2026, 12:30:05.123`. */
export const dateTime = (seconds) => (seconds == null ? "–" : `${date(seconds)}, ${time(seconds)}`);

/** Return milliseconds as `12.3 ms`, `1.23 s`, `2:05 min`, `3:20 h` or `4.5 days`. */
export function duration(ms) {
  if (ms == null) return "–";
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms >= 2 * DAY) return `${(ms / DAY).toFixed(1)} days`;
  const seconds = Math.round(ms / 1000);
  return seconds < 3600 ? `${sexagesimal(seconds)} min` : `${sexagesimal(Math.round(seconds / 60))} h`;
}

const sexagesimal = (value) => `${Math.floor(value / 60)}:${String(value % 60).padStart(2, "0")}`;

/**
 * Return the name of an account: its redacted key. Short keys are hidden altogether, so the end of the project is the
 * name of their account.
 */
export function accountName({ account, project }) {
  if (!project || (account && account !== HIDDEN)) return account ?? "–";
  return account ? `proj_…${project.slice(-6)}` : project;
}

/** Return a position in audio as `0:02.07`. */
export function position(seconds) {
  if (seconds == null || !Number.isFinite(seconds)) return "–";
  const hundredths = Math.round(seconds * 100);
  return `${Math.floor(hundredths / 6000)}:${((hundredths % 6000) / 100).toFixed(2).padStart(5, "0")}`;
}

/** Return bytes as `12.3 kB`. */
export function bytes(value) {
  if (value == null) return "–";
  if (value < 1000) return `${value} B`;
  const units = ["kB", "MB", "GB"];
  let size = value / 1000;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`;
}

/** Return US dollars with as many digits as a small amount needs: `$0.00011`. */
export function dollars(value) {
  if (value == null) return "–";
  if (value === 0) return "$0";
  const digits = value >= 1 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(Math.abs(value))));
  return `$${value.toFixed(digits)}`;
}
