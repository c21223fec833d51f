"""Azure OpenAI: OpenAI's endpoints, with Azure's paths, credentials, headers, errors and content filter."""
