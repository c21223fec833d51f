import { setTimeout as sleep } from "node:timers/promises";
import type { ControlApi, Json, Schemas } from "./control.js";

const POLLING = 50; // milliseconds

/** A telephone call of a scripted caller, which the code under test accepts or rejects. */
export class TelephoneCall {
  constructor(
    private readonly control: ControlApi,
    /** The id of the call, `rtc_…`. */
    readonly id: string,
  ) {}

  /** Returns the call: its `status` is `ringing`, `answered`, `rejected`, `referred` or `ended`. */
  state(): Promise<Json> {
    return this.control.call("GET", "/_mock/calls/{id}", this.path);
  }

  /** Waits until the call no longer rings, for 10 seconds by default, and returns its state. */
  async wait(timeout = 10): Promise<Json> {
    const end = process.hrtime.bigint() + BigInt(Math.round(timeout * 1e9));
    let state = await this.state();
    while (state.status === "ringing" && process.hrtime.bigint() < end) {
      await sleep(POLLING);
      state = await this.state();
    }
    return state;
  }

  /** Says a sentence, then is silent for a second, so that turn detection finds its end. Waits while it rings. */
  async say(text: string, options: Omit<Schemas["telephone_speech"], "text" | "audio"> = {}): Promise<void> {
    const timeout = (options.timeout ?? 10) + 60;
    await this.control.call("POST", "/_mock/calls/{id}/say", { ...this.path, body: { text, ...options }, timeout });
  }

  /** Presses keys. */
  async press(digits: string): Promise<void> {
    await this.control.call("POST", "/_mock/calls/{id}/press", { ...this.path, body: { digits } });
  }

  /** Ends the call. */
  async hangUp(): Promise<void> {
    await this.control.call("POST", "/_mock/calls/{id}/hangup", this.path);
  }

  /** Returns what the caller has heard, a WAV file. */
  async heard(): Promise<Buffer> {
    return (await this.control.call("GET", "/_mock/calls/{id}/audio", this.path)) as Buffer;
  }

  private get path(): { path: { id: string } } {
    return { path: { id: this.id } };
  }
}
