import type { ControlApi, Schemas } from "./control.js";

/** The clock of limits, times and expiries. All accounts of a server share it. */
export class Clock {
  /** Whether this test has changed the clock. */
  isChanged = false;

  constructor(private readonly control: ControlApi) {}

  /** Returns the time in seconds since 1970. */
  async now(): Promise<number> {
    return (await this.control.call("GET", "/_mock/clock")).now as number;
  }

  /** Moves the clock forward, by seconds. */
  advance(seconds: number): Promise<void> {
    return this.change({ advance: seconds });
  }

  /** Sets the time: a `Date`, or seconds since 1970. */
  set(time: Date | number): Promise<void> {
    return this.change({ set: typeof time === "number" ? time : time.getTime() / 1000 });
  }

  /** Stops the clock, or lets it run again. */
  freeze(isFrozen = true): Promise<void> {
    return this.change({ freeze: isFrozen });
  }

  /** Sets the speed of the clock, as a multiple of real time. */
  scale(speed: number): Promise<void> {
    return this.change({ scale: speed });
  }

  /** Lets the clock run as at the start of the server. */
  async reset(): Promise<void> {
    await this.control.call("POST", "/_mock/reset", { body: { what: ["clock"] } });
    this.isChanged = false;
  }

  private async change(body: Schemas["clock"]): Promise<void> {
    this.isChanged = true;
    await this.control.call("PUT", "/_mock/clock", { body });
  }
}
