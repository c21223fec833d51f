"""Audio files: containers, decoding, encoding, and the facts of a clip."""
