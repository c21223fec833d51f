/** Whom the page calls the control API as: the API key of an account, or none for all, and the control token. */

const KEY = "mockserver.key";
const TOKEN = "mockserver.token";
const listeners = new Set();

/** Return the API key whose account is shown; empty for all accounts. */
export const key = () => sessionStorage.getItem(KEY) ?? "";

/** Return the control token; empty if none was given. */
export const token = () => sessionStorage.getItem(TOKEN) ?? "";

/** Show the account of an API key from now on, in this tab; empty for all accounts. */
export const setKey = (value) => set(KEY, value);

/** Send a control token from now on, in this tab. */
export const setToken = (value) => set(TOKEN, value);

/** Call `listener` whenever the key or the token has changed. Return a function that stops this. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Return the headers of a call of the control API. */
export function headers() {
  const sent = {};
  if (key()) sent.authorization = `Bearer ${key()}`;
  if (token()) sent["x-mock-control-token"] = token();
  return sent;
}

function set(name, value) {
  if (value) sessionStorage.setItem(name, value);
  else sessionStorage.removeItem(name);
  for (const listener of listeners) listener();
}
