/** What can be made of an exchange. */

/** Show it; `entry` is that of the journal. */
export const ActionsPanel = ({ entry }) => null;
