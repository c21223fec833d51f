import { test } from "@playwright/test";
import { HOOK_SECONDS, TestAccounts, type TestApi, type UseOptions } from "../test-accounts.js";

/** Starts a server for the tests of this file in a worker, and gives each test an account of its own. */
export function useAudioApi(options: UseOptions = {}): TestApi {
  const accounts = new TestAccounts(options);
  test.beforeAll(async () => {
    test.setTimeout(HOOK_SECONDS * 1000);
    await accounts.start();
  });
  test.beforeEach(async () => accounts.begin(test.info()));
  test.afterEach(async () => {
    const info = test.info();
    const report = await accounts.end(info, info.status !== info.expectedStatus);
    if (report !== undefined) {
      await info.attach("exchanges-with-the-audio-apis", { body: report, contentType: "text/plain" });
    }
  });
  test.afterAll(async () => accounts.stop());
  return accounts.api;
}
