"""HTTP below the pipeline: the server that ships, connections, bodies, forms, URLs."""
