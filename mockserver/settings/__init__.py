"""Every setting: what it is, which values it can have, and where they come from."""
