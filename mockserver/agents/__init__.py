"""The server of the Model Context Protocol (MCP), by which agents use a mock server."""
