"""Clients of other projects, used as their documentation says; only the environment points them to the server.

`make test-clients` runs these tests. A client that is not installed is an error, not a skipped test.
"""

from __future__ import annotations

import os

# Read by the clients at import: use the prices of the package, and send no traces.
os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", OPENAI_AGENTS_DISABLE_TRACING="1")
