"""HTTP below the pipeline: the included server, connections, bodies, forms, URLs."""
