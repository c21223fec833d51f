"""Rate limits: the arithmetic of a bucket, what a request takes from which, and how that is told."""
