// Writes src/openapi.ts, the types of the control API: node tools/types.mjs OPENAPI_DOCUMENT

import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const HEADER = `/** The types of the control API, generated from its OpenAPI document. \`make js-types\` writes this file. */

`;

/** Returns the types of an OpenAPI document as the text of a module. */
export async function typesOf(document) {
  return HEADER + astToString(await openapiTS(document, { emptyObjectsUnknown: true }));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const document = JSON.parse(await readFile(process.argv[2], "utf8"));
  await writeFile(new URL("../src/openapi.ts", import.meta.url), await typesOf(document));
}
