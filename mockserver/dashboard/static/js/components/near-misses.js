/** The stubs that nearly matched the request of an exchange. */

/** Show it; `entry` is that of the journal. */
export const NearMisses = ({ entry }) => null;
