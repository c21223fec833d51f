"""The picture of a call in ``docs/realtime.md``: the drawing of its example, as ``mockserver call --svg`` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.caller.drawing import draw
from mockserver.caller.scenario import Scenario, play_scenario, read_scenarios, tools_of
from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas

if TYPE_CHECKING:
    from mockserver.caller.call import Call

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "calls" / "weather.yaml"


def svg() -> str:
    """Return the drawing of a call."""
    (scenario,) = read_scenarios(EXAMPLE, Schemas(data_folder("schemas")))
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as server:

        def begin(called: Scenario) -> Call:
            return server.caller(session=called.document["session"], tools=tools_of(called))

        result = play_scenario(scenario, begin)
    return draw(result.timeline, result.name)
