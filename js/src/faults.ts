import type { ControlApi, Schemas } from "./control.js";
import type { FaultOptions } from "./documents.js";
import { split } from "./documents.js";

/** A kind of fault: `connection_reset`, `sse_cut`, `latency`, … */
export type FaultKind = NonNullable<Schemas["fault"]["fault"]>;

// The other options are conditions.
const MEMBERS = [
  ...(["name", "enabled", "times", "every", "probability", "seed", "from", "until", "message", "code", "retry_after"] as const),
  ...(["seconds", "jitter", "at", "after", "by", "status", "close", "event", "count"] as const),
  ...(["audio_seconds", "bytes_per_second"] as const),
] satisfies (keyof Schemas["fault"])[];

/** A fault that was added. */
export class Fault {
  constructor(
    private readonly control: ControlApi,
    readonly id: string,
  ) {}

  /** Returns how many requests the fault has hit. */
  async hits(): Promise<number> {
    const fault = await this.control.call("GET", "/_mock/faults/{id}", { path: { id: this.id } });
    return fault.hits as number;
  }

  /** Switches the fault on. */
  async enable(): Promise<void> {
    await this.control.call("PATCH", "/_mock/faults/{id}", { path: { id: this.id }, body: { enabled: true } });
  }

  /** Switches the fault off: it hits nothing until it is switched on, and keeps its counters. */
  async disable(): Promise<void> {
    await this.control.call("PATCH", "/_mock/faults/{id}", { path: { id: this.id }, body: { enabled: false } });
  }

  /** Removes the fault. */
  async remove(): Promise<void> {
    await this.control.call("DELETE", "/_mock/faults/{id}", { path: { id: this.id } });
  }
}

/** Adds a fault. */
export async function addFault(
  control: ControlApi,
  what: { error: string | number } | { fault: FaultKind },
  options: FaultOptions,
): Promise<Fault> {
  const { times = 1, ...others } = options;
  const [own, when] = split(others, MEMBERS);
  const count = times === null ? {} : { times };
  const body: Schemas["fault"] = { ...what, ...count, ...own, ...(Object.keys(when).length ? { when } : {}) };
  const added = await control.call("POST", "/_mock/faults", { body });
  return new Fault(control, added.id as string);
}
