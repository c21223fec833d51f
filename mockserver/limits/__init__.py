"""Rate limits: the arithmetic of a bucket, what a request takes from which, and the headers and refusals."""
