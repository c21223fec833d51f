"""Rate limits: buckets, policies, response headers and refusals."""
