"""The picture of the rooms in ``docs/architecture.md``, drawn from the import graph and ``.importlinter``.

A layer of the import contract is a row. An arrow is an import that no chain of other arrows implies (the transitive
reduction), so that the picture stays readable and still says which room reaches which. The modules below the lowest
folder are used from everywhere; they stand in one box, without arrows.
"""

from __future__ import annotations

import configparser
import itertools
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import grimp

_ROOT = Path(__file__).parents[2]
_ROW, _BOX_HEIGHT, _GAP, _LANE, _MARGIN = 58, 30, 18, 10, 14  # pixels
_GROUND_GAP = "  "  # between the names in the lowest box
_SWEEPS = 24  # passes that order the boxes of each row by their neighbours
_COLOURS = ("#dbeafe", "#dcfce7", "#fef3c7", "#fce7f3", "#ede9fe")

Graph = dict[str, set[str]]


class _Row(NamedTuple):
    """The rooms of a layer, and the arrows that pass it (a pair of rooms each)."""

    rooms: list[str]
    passing: list[tuple[str, str]]


def layers() -> tuple[list[list[str]], list[str]]:
    """Return the rooms of each layer of the import contract, from top to bottom, and the modules below all folders."""
    contract = configparser.ConfigParser()
    contract.read(_ROOT / ".importlinter", "utf-8")
    lines = contract["importlinter:contract:layers"]["layers"].strip().splitlines()
    found = [sorted(room.strip() for room in line.split("|")) for line in lines]
    folders = [number for number, layer in enumerate(found) if any(map(_is_folder, layer))]
    ground = 1 + max(folders)
    return found[:ground], sorted(itertools.chain.from_iterable(found[ground:]))


def _is_folder(room: str) -> bool:
    return (_ROOT / "mockserver" / room).is_dir()


def imports() -> Graph:
    """Return the lower rooms that each room imports, imports below ``TYPE_CHECKING`` included.

    ``lint-imports`` holds that there are no others.
    """
    graph = grimp.build_graph("mockserver", cache_dir=None)
    level = {room: number for number, layer in enumerate(layers()[0]) for room in layer}
    found: Graph = {room: set() for room in sorted(level)}
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            importer, imported = (f"{name}.".split(".")[1] for name in (module, other))
            if importer in level and level[importer] < level.get(imported, 0):
                found[importer].add(imported)
    return found


def reduced(graph: Graph) -> Graph:
    """Return the transitive reduction of an acyclic graph: the edges that no longer path implies."""

    def reach(room: str) -> set[str]:
        return set().union(*({each, *reach(each)} for each in graph[room]))

    return {room: to - set().union(*(reach(each) for each in to)) for room, to in graph.items()}


def svg() -> str:
    """Return the picture as SVG."""
    arrows = reduced(imports())
    rows = _rows(arrows)
    widest = max(sum(map(_space, [*row.rooms, *row.passing])) for row in rows)
    places = _ordered(rows, arrows, widest)
    width = max(widest, _width(_GROUND_GAP.join(layers()[1]))) + 2 * _MARGIN
    height = (len(rows) + 1) * _ROW + _MARGIN
    left = (width - widest) / 2 - _MARGIN
    drawn = [
        f'<g transform="translate({left:.0f} 0)">',
        *_arrows(places, rows, arrows),
        *_boxes(places, rows),
        "</g>",
        *_ground(width, len(rows)),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img" '
        'aria-label="The rooms of mockserver: each imports only rooms below it">\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#64748b"/></marker></defs>\n'
        f'<rect width="{width:.0f}" height="{height}" fill="#fff"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _rows(arrows: Graph) -> list[_Row]:
    rows = [_Row(layer, []) for layer in layers()[0]]
    level = {room: number for number, row in enumerate(rows) for room in row.rooms}
    for room, others in sorted(arrows.items()):
        for other in sorted(others):
            for number in range(level[room] + 1, level[other]):
                rows[number].passing.append((room, other))
    return rows


def _width(name: str) -> float:
    return 7.2 * len(name) + 22


def _ordered(rows: list[_Row], arrows: Graph, widest: float) -> list[dict[object, float]]:
    """Return the centre of everything in each row: rooms by name, passing arrows by pair."""
    items: list[list[object]] = [[*row.rooms, *row.passing] for row in rows]
    below: dict[tuple[int, object], list[object]] = defaultdict(list)
    above: dict[tuple[int, object], list[object]] = defaultdict(list)
    for number, (row, following) in enumerate(itertools.pairwise(items)):
        here, there = set(row), set(following)
        for room, others in sorted(arrows.items()):
            for other in sorted(others):
                pair = (room, other)
                start = room if room in here else pair if pair in here else None
                end = other if other in there else pair if pair in there else None
                if start is not None and end is not None:
                    below[number, start].append(end)
                    above[number + 1, end].append(start)
    places = [_packed(row, widest) for row in items]
    for sweep in range(_SWEEPS):
        order = range(1, len(items)) if sweep % 2 == 0 else range(len(items) - 2, -1, -1)
        side, step = (above, -1) if sweep % 2 == 0 else (below, 1)
        for number in order:
            near, old = places[number + step], places[number]
            aims = {}
            for item in items[number]:
                linked = [near[each] for each in side[number, item]]
                aims[item] = sum(linked) / len(linked) if linked else old[item]
            items[number].sort(key=aims.__getitem__)
            places[number] = _spread(items[number], aims, widest)
    return places


def _space(item: object) -> float:
    return _width(item) + _GAP if isinstance(item, str) else _LANE


def _packed(row: list[object], widest: float) -> dict[object, float]:
    return _spread(row, {item: (number + 0.5) * widest / len(row) for number, item in enumerate(row)}, widest)


def _spread(row: list[object], aims: dict[object, float], widest: float) -> dict[object, float]:
    """Return centres as near to ``aims`` as the order of ``row`` and the width of each permit."""
    placed: dict[object, float] = {}
    edge = float(_MARGIN)
    for item in row:  # from the left, so that none overlap
        placed[item] = max(aims[item], edge + _space(item) / 2)
        edge = placed[item] + _space(item) / 2
    edge = widest + _MARGIN
    for item in reversed(row):  # and from the right, back into the picture
        placed[item] = min(placed[item], edge - _space(item) / 2)
        edge = placed[item] - _space(item) / 2
    return placed


def _arrows(places: list[dict[object, float]], rows: list[_Row], arrows: Graph) -> list[str]:
    level = {room: number for number, row in enumerate(rows) for room in row.rooms}
    drawn = []
    for room, others in sorted(arrows.items()):
        for other in sorted(others):
            xs = [places[number][(room, other)] for number in range(level[room] + 1, level[other])]
            path = f"M{places[level[room]][room]:.0f} {_middle(level[room]) + _BOX_HEIGHT / 2:.0f}"
            x, y = places[level[room]][room], _middle(level[room]) + _BOX_HEIGHT / 2
            for number, across in enumerate(xs, level[room] + 1):
                top, bottom = _middle(number) - _BOX_HEIGHT / 2, _middle(number) + _BOX_HEIGHT / 2
                path += _curve(x, y, across, top) + f"V{bottom:.0f}"
                x, y = across, bottom
            path += _curve(x, y, places[level[other]][other], _middle(level[other]) - _BOX_HEIGHT / 2)
            drawn.append(
                f'<path d="{path}" fill="none" stroke="#64748b" stroke-width="1.1" marker-end="url(#tip)">'
                f"<title>{room} imports {other}</title></path>"
            )
    return drawn


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    half = (y + to_y) / 2
    return f"C{x:.0f} {half:.0f} {to_x:.0f} {half:.0f} {to_x:.0f} {to_y:.0f}"


def _middle(row: int) -> float:
    return _MARGIN + row * _ROW + _BOX_HEIGHT / 2


def _boxes(places: list[dict[object, float]], rows: list[_Row]) -> list[str]:
    drawn = []
    for number, row in enumerate(rows):
        colour = _COLOURS[number * len(_COLOURS) // len(rows)]
        for room in row.rooms:
            drawn += _box(room, places[number][room], _middle(number), _width(room), colour)
    return drawn


def _ground(width: float, row: int) -> list[str]:
    """Draw the modules that every room may use, in one box."""
    text = _GROUND_GAP.join(layers()[1])
    return _box(text, width / 2, _middle(row), _width(text), "#f1f5f9")


def _box(text: str, x: float, y: float, width: float, colour: str) -> list[str]:
    rectangle = (
        f'<rect x="{x - width / 2:.0f}" y="{y - _BOX_HEIGHT / 2:.0f}" width="{width:.0f}" '
        f'height="{_BOX_HEIGHT}" rx="6" fill="{colour}" stroke="#475569"/>'
    )
    name = (
        f'<text x="{x:.0f}" y="{y + 4:.0f}" font-family="ui-monospace,Menlo,Consolas,monospace" '
        f'font-size="12" fill="#0f172a" text-anchor="middle" xml:space="preserve">{text}</text>'
    )
    return [rectangle, name]
