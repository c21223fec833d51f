import { afterAll, afterEach, beforeAll, beforeEach } from "@jest/globals";
import { HOOK_SECONDS, TestAccounts, type TestApi, type UseOptions } from "../test-accounts.js";

const TEST = {}; // Jest gives hooks no context, and runs no hooks for `test.concurrent`

/** Starts a server for the tests of this file, and gives each test an account of its own. For Jest. */
export function useAudioApi(options: UseOptions = {}): TestApi {
  const accounts = new TestAccounts(options);
  beforeAll(() => accounts.start(), HOOK_SECONDS * 1000);
  beforeEach(() => accounts.begin(TEST));
  afterEach(async () => {
    const report = await accounts.end(TEST, hasFailed());
    if (report !== undefined) console.error(report);
  });
  afterAll(() => accounts.stop(), HOOK_SECONDS * 1000);
  return accounts.api;
}

/** Returns whether the current test has failed. Only the state of `jest-circus` says so, Jest's default runner. */
function hasFailed(): boolean {
  const key = Object.getOwnPropertySymbols(globalThis).find((each) => each.description === "JEST_STATE_SYMBOL");
  const state = key && (globalThis as Record<symbol, { currentlyRunningTest?: { errors?: unknown[] } }>)[key];
  return (state?.currentlyRunningTest?.errors?.length ?? 0) > 0;
}
