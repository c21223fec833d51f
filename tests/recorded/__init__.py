"""Forms that recordings of the real API have, held by tables."""
