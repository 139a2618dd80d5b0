"""The comparison as one HTML page that needs nothing else: tables, drawings, and the lines that prove each fact."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from pipelinegen.markdown import visible
from pipelinegen.pipelines.analyse.in_clear import masked
from pipelinegen.pipelines.compared import Facts
from pipelinegen.pipelines.costs import costs_of
from pipelinegen.pipelines.reading import Place
from pipelinegen.pipelines.telling.drawing import kinds, svg
from pipelinegen.pipelines.telling.rows import Item, Row, rows_of
from pipelinegen.shipped import template_root

_LEGEND = {
    "job": "job",
    "danger": "credential that opens a cluster, host or cloud",
    "secret": "other credential",
    "repository": "manifest repository",
    "agent": "agent",
    "environment": "environment",
}
_MOST = 6


class _Page:
    """The anchors of the files on one page."""

    def __init__(self, several: Sequence[Facts]) -> None:
        self.several = several
        self.files: dict[str, str] = {}
        for facts in several:
            self.files.update(facts.reading.texts)
        self.numbers = {name: number for number, name in enumerate(self.files)}
        self.proofs: set[Place] = set()
        # Lines on which a secret stands in clear: a page may be passed on to people who must not have it.
        own = [each for facts in several for each in facts.credentials if each.life == "file"]
        self.clear = {place for each in own for place in each.evidence}

    def link(self, place: Place, own: str) -> str:
        words = f":{place.line}" if place.file == own else f"{place.file}:{place.line}"
        if place.file not in self.numbers:
            return _text(words)
        self.proofs.add(place)
        label = _text(f"{place.file}, line {place.line}")
        return f'<a href="#f{self.numbers[place.file]}L{place.line}" aria-label="{label}">{_text(words)}</a>'

    def links(self, places: Sequence[Place], own: str) -> str:
        if not places:
            return ""
        found = " ".join(self.link(each, own) for each in places[:_MOST])
        more = f" +{len(places) - _MOST}" if len(places) > _MOST else ""
        return f'<span class="places">{found}{more}</span>'


def html(several: Sequence[Facts]) -> list[str]:
    """The lines of the page."""
    page = _Page(several)
    title = "What push and pull cost" if len(several) > 1 else "What this pipeline does and holds"
    body = [
        *_head(title),
        *_introduction(title, several),
        '<main id="facts">',
        *_drawings(several),
        *_table(page, several),
        *_credentials(page, several),
        *_costs(page, several),
    ]
    # The files come last, when it is known which of their lines prove something.
    body += [*_sources(page), "</main>", *_end()]
    return body


def _head(title: str) -> Iterator[str]:
    style = template_root().joinpath("compare").joinpath("style.css").read_text(encoding="utf-8")
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    # Nothing is asked of any network, whatever stands in the files.
    yield (
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">"
    )
    yield '<link rel="icon" href="data:,">'
    yield f"<title>{_text(title)}</title>"
    yield f"<style>\n{style}</style>"
    yield "</head>"
    yield "<body>"


def _introduction(title: str, several: Sequence[Facts]) -> Iterator[str]:
    yield '<a class="skip" href="#facts">To the facts</a>'
    yield "<header>"
    yield f"<h1>{_text(title)}</h1>"
    names = ", ".join(f"{each.reading.file} ({each.reading.system})" for each in several)
    yield f"<p>Computed from {_text(names)}. Every fact leads to the lines that prove it; nothing was run.</p>"
    yield '<nav aria-label="Parts of this page"><ul>'
    parts = [("drawings", "Drawings"), ("compared", "Compared"), ("credentials", "Credentials"), ("files", "Files")]
    if any("pull" in each.styles for each in several):
        parts.insert(3, ("costs", "What pull costs"))
    yield from (f'<li><a href="#{anchor}">{words}</a></li>' for anchor, words in parts)
    yield "</ul></nav>"
    yield "</header>"


def _drawings(several: Sequence[Facts]) -> Iterator[str]:
    yield '<section aria-labelledby="drawings"><h2 id="drawings">Drawings</h2>'
    yield '<ul class="legend">'
    yield from (f'<li><i class="{kind}"></i>{_LEGEND[kind]}</li>' for kind in kinds(several) if kind in _LEGEND)
    yield "</ul>"
    for number, facts in enumerate(several):
        yield f"<h3>{_text(facts.reading.file)}</h3>"
        label = _text(f"Drawing of {facts.reading.file}")
        yield f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">{svg(facts, number)}</div>'
    yield "</section>"


def _table(page: _Page, several: Sequence[Facts]) -> Iterator[str]:
    yield '<section aria-labelledby="compared"><h2 id="compared">Compared</h2>'
    yield '<div class="scroll" tabindex="0" role="region" aria-label="Compared facts"><table class="compared">'
    yield "<caption>Each answer with the lines that prove it</caption>"
    heads = "".join(f'<th scope="col">{_text(each.reading.file)}</th>' for each in several)
    yield f"<thead><tr><td></td>{heads}</tr></thead><tbody>"
    yield from (_row(page, row, several) for row in rows_of(several) if any(row.cells))
    yield "</tbody></table></div></section>"


def _row(page: _Page, row: Row, several: Sequence[Facts]) -> str:
    cells = "".join(
        f"<td>{_items(page, cell, facts.reading.file)}</td>" for cell, facts in zip(row.cells, several, strict=True)
    )
    return f'<tr><th scope="row">{_text(row.question)}</th>{cells}</tr>'


def _items(page: _Page, cell: Iterable[Item], own: str) -> str:
    found = [
        f'<li class="{item.tone}">{_text(item.text)}{page.links(item.places, own)}</li>'
        if item.tone
        else f"<li>{_text(item.text)}{page.links(item.places, own)}</li>"
        for item in cell
    ]
    return f"<ul>{''.join(found)}</ul>" if found else "–"


def _credentials(page: _Page, several: Sequence[Facts]) -> Iterator[str]:
    yield '<section aria-labelledby="credentials"><h2 id="credentials">Credentials</h2>'
    for facts in several:
        own = facts.reading.file
        yield f"<h3>{_text(own)}</h3>"
        if not facts.credentials:
            yield "<p>None that is seen in the file.</p>"
            continue
        yield '<div class="scroll" tabindex="0" role="region" aria-label="Credentials"><table>'
        names = ("Name", "Kind", "Opens", "Kept", "Visible in", "Code of others that can read it")
        heads = "".join(f'<th scope="col">{name}</th>' for name in names)
        yield f"<caption>{_text(own)}</caption><thead><tr>{heads}</tr></thead><tbody>"
        for each in facts.credentials:
            kept = {"stored": "by CI", "file": "in clear in the file", "job": "for one job", "oidc": "not at all"}[
                each.life
            ]
            cells = (each.kind, each.target, kept, ", ".join(each.jobs), ", ".join(each.third_party) or "–")
            rest = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
            note = f"<br><small>{_text(each.note)}</small>" if each.note else ""
            yield f'<tr><th scope="row">{_text(each.name)}{page.links(each.evidence, own)}{note}</th>{rest}</tr>'
        yield "</tbody></table></div>"
    yield "</section>"


def _costs(page: _Page, several: Sequence[Facts]) -> Iterator[str]:
    costs = costs_of([each for each in several if "pull" in each.styles])
    if costs:
        yield '<section aria-labelledby="costs"><h2 id="costs">What pull costs</h2><ul>'
        for cost in costs:
            yield f"<li><strong>{_text(cost.what)}</strong>: {_text(cost.why)}{page.links(cost.evidence, '')}</li>"
        yield "</ul></section>"


def _sources(page: _Page) -> Iterator[str]:
    yield '<section aria-labelledby="files"><h2 id="files">Files</h2>'
    for name, text in page.files.items():
        number = page.numbers[name]
        marked = {place.line for place in page.proofs if place.file == name}
        yield f'<details open><summary>{_text(name)}</summary><pre tabindex="0" aria-label="{_text(name)}">'
        for line, words in enumerate(text.removesuffix("\n").split("\n"), 1):
            proof = ' class="proof"' if line in marked else ""
            hidden = re.sub(r"([:=]\s*).*", r"\1***", words, count=1) if Place(name, line) in page.clear else words
            shown = visible(masked(hidden.rstrip("\r").replace("\t", "    ")))
            yield f'<span id="f{number}L{line}" data-n="{line}"{proof}>{escape(shown)}</span>'
        yield "</pre></details>"
    yield "</section>"


def _end() -> Iterator[str]:
    said = "What is not understood is said to be so, and never counted as none."
    yield f"<footer><p>Written by pipelinegen compare. {said}</p></footer>"
    yield "</body>"
    yield "</html>"


def _text(text: str) -> str:
    return escape(visible(masked(text)))
