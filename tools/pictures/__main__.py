"""Write every picture of the documentation to ``docs/pictures``."""

from __future__ import annotations

from pathlib import Path

from tools.pictures import badges, call, failing_test, rooms

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"


def main() -> None:
    """Write the pictures and print their names."""
    FOLDER.mkdir(exist_ok=True)
    pictures = {"badges": badges.svg, "call": call.svg, "failing-test": failing_test.svg, "rooms": rooms.svg}
    for name, make in pictures.items():
        (FOLDER / f"{name}.svg").write_text(make(), "utf-8")
        print(f"docs/pictures/{name}.svg")


if __name__ == "__main__":
    main()
