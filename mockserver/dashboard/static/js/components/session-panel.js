/** The Realtime session that an exchange opened. */

/** Show it; `entry` is that of the journal. */
export const SessionPanel = ({ entry }) => null;
