"""Audio files: decoding, encoding and the facts of a clip."""
