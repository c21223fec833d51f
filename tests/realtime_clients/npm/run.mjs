// Runs one scenario, `node run.mjs NAME AUDIO_FILE`, and prints its result as JSON. The audio is PCM at 24 kHz.
import { readFileSync } from "node:fs";
import { WebSocket } from "ws";
import * as scenarios from "./scenarios.mjs";

globalThis.WebSocket ??= WebSocket; // Node.js has it from version 22 on
const [name, file] = process.argv.slice(2);
const result = await scenarios[name](file ? readFileSync(file) : undefined);
console.log(JSON.stringify(result));
process.exit(0);
