"""Write every picture of the documentation to ``docs/pictures``."""

from __future__ import annotations

from pathlib import Path

from tools.pictures import badges, failing_test, rooms

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"


def main() -> None:
    """Write the pictures and print their names."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in (("badges", badges.svg), ("failing-test", failing_test.svg), ("rooms", rooms.svg)):
        (FOLDER / f"{name}.svg").write_text(make(), "utf-8")
        print(f"docs/pictures/{name}.svg")


if __name__ == "__main__":
    main()
