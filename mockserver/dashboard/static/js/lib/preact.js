/** Preact with its hooks, and `html`: templates as tagged literals, which need no build step and no `eval`. */
import { h } from "../vendor/preact.mjs";
import htm from "../vendor/htm.mjs";

export { Fragment, createContext, h, render } from "../vendor/preact.mjs";
export {
  useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from "../vendor/hooks.mjs";
export const html = htm.bind(h);
