/** The version of this package, and of the server that belongs to it. */
export const VERSION = "0.1.0";

/** Returns whether a server of that version belongs to this package: the same major version, of 0.x the same minor. */
export function isCompatible(server: string): boolean {
  const [major, minor] = VERSION.split(".");
  const [theirMajor, theirMinor] = server.split(".");
  return theirMajor === major && (major !== "0" || theirMinor === minor);
}
