"""Tables of models, limits, languages, voices, errors and headers, and the modules that read them."""
