import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { HOOK_SECONDS, TestAccounts, type TestApi, type UseOptions } from "../test-accounts.js";

/** Starts a server for the tests of this file, and gives each test an account of its own. For Vitest. */
export function useAudioApi(options: UseOptions = {}): TestApi {
  const accounts = new TestAccounts(options);
  beforeAll(() => accounts.start(), HOOK_SECONDS * 1000);
  beforeEach((context) => accounts.begin(context));
  afterEach(async (context) => {
    const report = await accounts.end(context, context.task.result?.state === "fail");
    if (report !== undefined) console.error(report);
  });
  afterAll(() => accounts.stop(), HOOK_SECONDS * 1000);
  return accounts.api;
}
