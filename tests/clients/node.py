"""Clients in JavaScript: a program for each in `npm`, which runs one scenario and prints its result as JSON."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.scenarios import Forecast, SixScenarios

NPM = Path(__file__).parent / "npm"


class NodeScenarios(SixScenarios):
    """The scenarios of a program; ``api`` is `responses` or `chat`."""

    program: str
    api = "responses"

    def run(self, scenario: str, argument: str) -> Any:
        """Return the result of a scenario. Raises ``AssertionError`` if the program fails."""
        done = subprocess.run(
            ["node", str(NPM / self.program), self.api, scenario, argument],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def text(self, prompt: str) -> str:
        return str(self.run("text", prompt))

    def stream(self, prompt: str) -> list[str]:
        return list(self.run("stream", prompt))

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        ran = self.run("tool", prompt)
        return ran["cities"], ran["answer"]

    def forecast(self, prompt: str) -> Forecast:
        return Forecast(**self.run("forecast", prompt))

    def transcribe(self, clip: Path) -> str:
        return str(self.run("transcribe", str(clip)))

    def speak(self, text: str) -> bytes:
        return bytes.fromhex(self.run("speak", text))
