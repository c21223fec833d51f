import type { ControlApi, Json, Schemas } from "./control.js";

/** Conditions on deliveries of webhooks. */
export interface DeliveryQuery {
  type?: string;
  status?: "pending" | "delivered" | "failed";
  /** The id of an endpoint. */
  endpoint?: string;
}

/** The webhooks of an account: endpoints, deliveries and faults. */
export class Webhooks {
  constructor(private readonly control: ControlApi) {}

  /** Adds an endpoint, and returns it with its `secret`. `events` are types, or patterns such as `batch.*`. */
  add(url: string, options: Omit<Schemas["webhook"], "url"> = {}): Promise<Json> {
    return this.control.call("POST", "/_mock/webhooks", { body: { url, ...options } });
  }

  /** Removes an endpoint by its id. Its pending deliveries fail. */
  async remove(id: string): Promise<void> {
    await this.control.call("DELETE", "/_mock/webhooks/{id}", { path: { id } });
  }

  /** Returns the endpoints that receive the events of this account. */
  async endpoints(): Promise<Json[]> {
    return (await this.control.call("GET", "/_mock/webhooks")).endpoints as Json[];
  }

  /** Sends an event by hand, by default with sample data, and returns its deliveries, which are pending. */
  async send(type: string, options: Omit<Schemas["webhook_event"], "type"> = {}): Promise<Json[]> {
    const sent = await this.control.call("POST", "/_mock/webhooks/send", { body: { type, ...options } });
    return sent.deliveries as Json[];
  }

  /** Returns deliveries, oldest first. */
  async deliveries(query: DeliveryQuery = {}): Promise<Json[]> {
    const found = await this.control.call("GET", "/_mock/webhooks/deliveries", { query });
    return found.deliveries as Json[];
  }

  /** Waits for deliveries, by default for one that is `delivered` within 10 seconds, and returns them. */
  async waitFor(type = "*", options: Omit<Schemas["webhook_wait"], "type"> = {}): Promise<Json[]> {
    const timeout = (options.timeout ?? 10) + 60;
    const found = await this.control.call("POST", "/_mock/webhooks/wait", { body: { type, ...options }, timeout });
    return found.deliveries as Json[];
  }

  /** Delivers an event again, with the same `webhook-id`. */
  redeliver(id: string): Promise<Json> {
    return this.control.call("POST", "/_mock/webhooks/deliveries/{id}/redeliver", { path: { id } });
  }

  /** Lets something go wrong with the next deliveries or attempts: by default one, `times: null` are all. */
  async breakNext(
    fault: Schemas["webhook_fault"]["fault"],
    options: Omit<Schemas["webhook_fault"], "fault"> = {},
  ): Promise<void> {
    await this.control.call("POST", "/_mock/webhooks/faults", { body: { fault, ...options } });
  }

  /** Removes endpoints, deliveries and faults; those of the configuration stay. */
  async reset(): Promise<void> {
    await this.control.call("DELETE", "/_mock/webhooks");
  }
}
