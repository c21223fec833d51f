import type { AudioApi } from "./audio-api.js";

// Some clients read only the older name of the base URL.
const BASE_URLS = ["OPENAI_BASE_URL", "OPENAI_API_BASE"];
// Other variables that the SDK reads and would send to the mock server.
const OTHERS = ["OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_CUSTOM_HEADERS"];
const NO_PROXY = ["NO_PROXY", "no_proxy"];
const NOBODY = "sk-mock-invalid-several-tests-run-at-the-same-time";

/** The environment variables that direct clients to the server, while tests run. */
export class ClientEnvironment {
  private before: Record<string, string | undefined> | undefined;

  /** Sets the variables for the tests that run. Of several at a time, none gets the key: clients are refused. */
  update(running: readonly AudioApi[]): void {
    const [api, another] = running;
    this.restore();
    if (!api) return;
    const host = new URL(api.url).hostname;
    const values: Record<string, string | undefined> = { OPENAI_API_KEY: another ? NOBODY : api.apiKey };
    for (const name of BASE_URLS) values[name] = api.baseURL;
    for (const name of OTHERS) values[name] = undefined;
    for (const name of NO_PROXY) values[name] = [host, process.env[name]].filter(Boolean).join(",");
    this.before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]));
    assign(values);
  }

  private restore(): void {
    assign(this.before ?? {});
    this.before = undefined;
  }
}

function assign(values: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
