/** A test double of the hosted audio APIs for JavaScript and TypeScript. The runners have entries of their own. */

export { AudioApi } from "./audio-api.js";
export { Clock } from "./clock.js";
export { ControlApi, type Json, type Schemas } from "./control.js";
export type * from "./documents.js";
export { AudioMockServerError, ControlError, VerificationError } from "./errors.js";
export { Fault, type FaultKind } from "./faults.js";
export {
  Server,
  joinServer,
  shareServer,
  startServer,
  type AccountOptions,
  type ServerSettings,
} from "./server.js";
export { PendingStub, Stub, StubBuilder } from "./stubs.js";
export { TelephoneCall } from "./telephone.js";
export type { TestApi, UseOptions } from "./test-accounts.js";
export { VERSION } from "./version.js";
export { Webhooks, type DeliveryQuery } from "./webhooks.js";
