"""One pipeline as a drawing: credentials that flow into jobs, jobs in their order, and what they change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from pipelinegen.markdown import visible
from pipelinegen.pipelines.analyse.blast_radius import REACHING
from pipelinegen.pipelines.compared import Facts

_WIDTH, _HEIGHT, _GAP, _ACROSS = 176, 40, 22, 60
_LONGEST = 20


@dataclass(slots=True)
class Node:
    key: str
    text: str
    kind: str
    column: int
    row: int = 0
    note: str = ""

    @property
    def x(self) -> int:
        return 8 + self.column * (_WIDTH + _ACROSS)

    @property
    def y(self) -> int:
        return 8 + self.row * (_HEIGHT + _GAP)


@dataclass(slots=True)
class Drawing:
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, key: str, text: str, kind: str, column: int, note: str = "") -> None:
        self.nodes.setdefault(key, Node(key, text, kind, column, note=note))

    def join(self, start: str, end: str, kind: str) -> None:
        edge = (start, end, kind)
        if start in self.nodes and end in self.nodes and edge not in self.edges:
            self.edges.append(edge)


def drawing_of(facts: Facts) -> Drawing:
    """The nodes and edges of a pipeline, each node in its column and row."""
    drawing = Drawing()
    depths = _depths(facts)
    for each in facts.secrets:
        kind = "danger" if each.target in REACHING else "secret"
        drawing.add(f"c:{each.name}", each.name, kind, 0, f"{each.kind} for {each.target}, {each.life}")
    for name, depth in depths.items():
        drawing.add(f"j:{name}", name, "job", depth + 1)
    last = max(depths.values(), default=0) + 2
    for job in facts.reading.jobs:
        for need in job.needs:
            above = next((other.name for other in facts.reading.jobs if need in {other.id, other.name}), need)
            if above != job.name:
                drawing.join(f"j:{above}", f"j:{job.name}", "order")
    for each in facts.secrets:
        kind = "danger" if each.target in REACHING else "secret"
        for name in each.jobs:
            drawing.join(f"c:{each.name}", f"j:{name}", kind)
    _deliveries(drawing, facts, last)
    _place(drawing)
    return drawing


def _deliveries(drawing: Drawing, facts: Facts, last: int) -> None:
    pulls = any(each.model == "pull" for each in facts.deliveries)
    for each in facts.deliveries:
        name = each.environment or "environment (not named)"
        drawing.add(f"e:{name}", name, "environment", last + (2 if pulls else 0))
        if each.model == "push":
            drawing.join(f"j:{each.job}", f"e:{name}", "push")
            continue
        drawing.add("r", "manifest repository", "repository", last)
        drawing.add(f"a:{name}", f"agent of {name}", "agent", last + 1)
        drawing.join(f"j:{each.job}", "r", "commit")
        drawing.join(f"a:{name}", "r", "pull")
        drawing.join(f"a:{name}", f"e:{name}", "push")


def _depths(facts: Facts) -> dict[str, int]:
    """For each job the longest way to it."""
    needs: dict[str, set[str]] = {}
    for job in facts.reading.jobs:
        above = {other.name for other in facts.reading.jobs for need in job.needs if need in {other.id, other.name}}
        needs.setdefault(job.name, set()).update(above - {job.name})
    depths: dict[str, int] = dict.fromkeys(needs, 0)
    for _ in needs:
        changed = False
        for name, above in needs.items():
            depth = max((depths[each] + 1 for each in above if each in depths), default=0)
            if depth != depths[name] and depth <= len(needs):
                depths[name], changed = depth, True
        if not changed:
            break
    return depths


def _place(drawing: Drawing) -> None:
    rows: dict[int, int] = {}
    for node in drawing.nodes.values():
        node.row = rows.get(node.column, 0)
        rows[node.column] = node.row + 1


def svg(facts: Facts, number: int) -> str:
    """The drawing as SVG, with a title and a description for those who do not see it."""
    drawing = drawing_of(facts)
    nodes = list(drawing.nodes.values())
    width = max((node.x for node in nodes), default=0) + _WIDTH + 8
    height = max((node.y for node in nodes), default=0) + _HEIGHT + _GAP + 8
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    # It may shrink to three quarters before it has to be scrolled.
    style = f'style="min-width:{width * 3 // 4}px"'
    marker = f'id="m{number}" viewBox="0 0 8 8" refX="7" refY="4" orient="auto"'
    marker += ' markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9"'
    parts = [
        f'<svg class="drawing" role="img" {size} {style} aria-labelledby="d{number}t d{number}d">',
        f'<title id="d{number}t">{_text(f"The pipeline {facts.reading.file}")}</title>',
        f'<desc id="d{number}d">{_text(described(facts))}</desc>',
        f'<defs><marker {marker}><path d="M0 0 8 4 0 8z" class="head"/></marker></defs>',
    ]
    parts += [_edge(drawing, edge, number, at) for at, edge in enumerate(drawing.edges)]
    parts += [_node(node) for node in nodes]
    return "\n".join([*parts, "</svg>"])


def described(facts: Facts) -> str:
    """The drawing in words."""
    told = [f"{len(facts.reading.jobs)} jobs."]
    told += [
        f"{each.name} ({each.kind} for {each.target}) is visible in {', '.join(each.jobs) or 'no job'}."
        for each in facts.secrets
    ]
    for delivery in facts.deliveries:
        name = delivery.environment or "an environment that is not named"
        if delivery.model == "push":
            told.append(f"{delivery.job} pushes to {name} by {delivery.tool}.")
        else:
            told.append(f"{delivery.job} changes the manifest repository, from which the agent of {name} pulls.")
    return " ".join(told)


def _edge(drawing: Drawing, edge: tuple[str, str, str], number: int, at: int) -> str:
    start, end, kind = drawing.nodes[edge[0]], drawing.nodes[edge[1]], edge[2]
    y1, y2 = start.y + _HEIGHT // 2, end.y + _HEIGHT // 2
    if start.column == end.column:
        x = start.x + _WIDTH
        way = f"M{x} {y1} C{x + 40} {y1} {x + 40} {y2} {x} {y2}"
    elif start.column < end.column:
        way = _way(start, end, start.x + _WIDTH, end.x - 2, at)
    else:
        way = _way(start, end, start.x, end.x + _WIDTH + 2, at)
    return f'<path class="edge {kind}" d="{way}" marker-end="url(#m{number})"/>'


def _way(start: Node, end: Node, x1: int, x2: int, at: int) -> str:
    """From box to box; past other columns in the gap between two rows, so that no box is crossed."""
    y1, y2 = start.y + _HEIGHT // 2, end.y + _HEIGHT // 2
    side = 1 if x1 <= x2 else -1
    half = side * _ACROSS // 2
    if abs(start.column - end.column) == 1:
        return f"M{x1} {y1} C{x1 + half} {y1} {x2 - half} {y2} {x2} {y2}"
    row = end.row - 1 if end.row > start.row else end.row
    lane = 8 + row * (_HEIGHT + _GAP) + _HEIGHT + _GAP // 2 + (at % 5 - 2) * 3
    a, b = x1 + side * _ACROSS, x2 - side * _ACROSS
    there = f"M{x1} {y1} C{x1 + half} {y1} {x1 + half} {lane} {a} {lane}"
    return f"{there} L{b} {lane} C{x2 - half} {lane} {x2 - half} {y2} {x2} {y2}"


def _node(node: Node) -> str:
    text = visible(node.text)
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    note = f"{node.kind}: {text}" + (f" ({node.note})" if node.note else "")
    rounded = 18 if node.kind in {"secret", "danger"} else 6
    box = f'x="{node.x}" y="{node.y}" width="{_WIDTH}" height="{_HEIGHT}" rx="{rounded}"'
    at = f'x="{node.x + _WIDTH // 2}" y="{node.y + _HEIGHT // 2 + 4}" text-anchor="middle"'
    return f'<g class="node {node.kind}"><title>{_text(note)}</title><rect {box}/><text {at}>{escape(short)}</text></g>'


def _text(text: str) -> str:
    return escape(visible(text))


def kinds(several: Sequence[Facts]) -> Iterable[str]:
    """The kinds of node that occur, for the legend."""
    found = [node.kind for facts in several for node in drawing_of(facts).nodes.values()]
    return dict.fromkeys(found)
