/** JSON whose integers may be larger than JavaScript's numbers can represent exactly: these are of type `BigInt`. */

/** Return the value of a JSON text. A browser that does not give the digits rounds large integers. */
export const parse = (text) => JSON.parse(text, (name, value, context) =>
  isRounded(value) && /^-?\d+$/.test(context?.source) ? BigInt(context.source) : value);

/** Return a value as JSON, with as many spaces as `indent` at each level. */
export const write = (value, indent = 0) => JSON.stringify(value, (name, each) =>
  typeof each === "bigint" ? JSON.rawJSON(String(each)) : each, indent);

const isRounded = (value) => typeof value === "number" && !Number.isSafeInteger(value);
