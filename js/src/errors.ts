import { AssertionError } from "node:assert";

/** A problem with the server or its use: it does not start, cannot be reached, or has another version. */
export class AudioMockServerError extends Error {
  override name = "AudioMockServerError";
}

/** A refusal by the control API. The message says what is wrong and what to do. */
export class ControlError extends AudioMockServerError {
  override name = "ControlError";

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface NearMiss {
  summary: string;
  differences: string[];
}

/** The failure of a verification or a wait: what was wanted, and the near misses. */
export class VerificationError extends AssertionError {
  override name = "VerificationError";

  constructor(headline: string, nearMisses: NearMiss[] = []) {
    const lines = nearMisses.flatMap((miss) => [
      `  near miss: ${miss.summary}`,
      ...miss.differences.map((difference) => `    ${difference}`),
    ]);
    super({ message: [headline, ...lines].join("\n") });
  }
}
