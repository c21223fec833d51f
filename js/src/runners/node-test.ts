import { after, afterEach, before, beforeEach } from "node:test";
import { HOOK_SECONDS, TestAccounts, type TestApi, type UseOptions } from "../test-accounts.js";

interface Context {
  readonly passed?: boolean;
  diagnostic(message: string): void;
}

/** Starts a server for the tests of this file, and gives each test an account of its own. For `node:test`. */
export function useAudioApi(options: UseOptions = {}): TestApi {
  const accounts = new TestAccounts(options);
  before(() => accounts.start(), { timeout: HOOK_SECONDS * 1000 });
  beforeEach((context) => accounts.begin(context));
  afterEach(async (context) => {
    const test = context as unknown as Context;
    const report = await accounts.end(context, test.passed === false);
    for (const line of report?.split("\n") ?? []) test.diagnostic(line);
  });
  after(() => accounts.stop());
  return accounts.api;
}
