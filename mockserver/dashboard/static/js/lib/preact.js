/** Preact with its hooks, and `html`: templates as tagged literals, which need no build step and no `eval`. */
import { h } from "../vendor/preact.mjs";
import { useState } from "../vendor/hooks.mjs";
import htm from "../vendor/htm.mjs";

export { render } from "../vendor/preact.mjs";
export {
  useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from "../vendor/hooks.mjs";
export const html = htm.bind(h);

let ids = 0;

/** Return an id that no other element has. That of Preact is unique among the components of one `render` only. */
export const useId = () => useState(() => `id-${++ids}`)[0];
