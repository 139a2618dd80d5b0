"""The reports: the same facts in each, nothing hostile in any, and a page that leads everywhere it points."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest
from markdown_it import MarkdownIt

from pipelinegen.config.load import loads
from pipelinegen.pipelines.compared import Facts, document
from pipelinegen.pipelines.costs import costs_of
from pipelinegen.pipelines.replacing import Around, proposal_of
from pipelinegen.pipelines.telling import proposal as telling
from pipelinegen.pipelines.telling.html import html
from pipelinegen.pipelines.telling.markdown_text import ROOM, markdown
from pipelinegen.pipelines.telling.rows import rows_of
from pipelinegen.pipelines.telling.table import table
from tests.support.labelled import Case, cases
from tests.support.pipelines import facts

CASES = cases()
SCHEMA = json.loads((Path(__file__).parents[4] / "docs/compare.schema.json").read_text(encoding="utf-8"))
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

HOSTILE = """
on: push
jobs:
  "x\\e[31m<script>alert(1)</script>":
    name: "a | b @team #1 closes #2 \\u202e <img src=x onerror=alert(1)>"
    runs-on: x
    environment: "prod <b>\\e]0;t\\a"
    steps:
      - uses: "acme/<u>x</u>@v1"
      - run: kubectl --token ${{ secrets.K }} apply -f "]]><script>"
"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_document_is_as_its_schema_says(case: Case) -> None:
    found = document([case.facts()])
    jsonschema.validate(found, SCHEMA)
    json.dumps(found)


def pair() -> list[Facts]:
    chosen = {"github/kubectl-context", "github/manifest-pull-request"}
    return [case.facts() for case in CASES if case.name in chosen]


def test_what_pull_costs_is_told_wherever_a_pull_pipeline_is() -> None:
    push, pull = pair()
    assert costs_of([]) == ()
    told = {cost.what for cost in costs_of([pull])}
    assert {"an agent with wide rights", "a second repository", "delay", "no answer for plain hosts"} <= told
    for lines in (table([push, pull], 100), markdown([push, pull]), html([push, pull])):
        text = " ".join(lines)
        assert all(re.sub(r"[^a-z]+", " ", cost) in re.sub(r"[^a-z]+", " ", text) for cost in told)
    assert not any("What pull costs" in line for line in table([push], 100))


@pytest.mark.parametrize("width", [60, 80, 100, 180])
def test_a_table_keeps_to_its_width(width: int) -> None:
    lines = table(pair(), width)
    assert max(map(len, lines)) <= width
    assert len(table(pair(), width, colored=True)) == len(lines)


def test_a_table_says_the_same_with_and_without_colour() -> None:
    plain, colored = table(pair(), 120), table(pair(), 120, colored=True)
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in colored] == plain


def test_every_answer_is_in_every_report() -> None:
    several = pair()
    page = "\n".join(html(several))
    for row in rows_of(several):
        if any(row.cells):
            assert row.question in page
            assert row.question in "\n".join(table(several, 120))


def test_markdown_is_one_table_that_fits_a_comment() -> None:
    text = "\n".join(markdown(pair()))
    assert len(text) < ROOM
    kinds = Counter(token.type for token in MarkdownIt("commonmark").enable("table").parse(text))
    assert kinds["table_open"] == 1
    assert kinds["tr_open"] >= 15
    many = "\n".join(markdown([case.facts() for case in CASES]))
    assert len(many) <= ROOM + 200


@pytest.mark.parametrize("system", ["github"])
def test_hostile_names_do_nothing_in_any_report(system: str) -> None:
    found = facts(system, HOSTILE)
    assert len(found.deliveries) == 1
    page = "\n".join(html([found]))
    parser = Page()
    parser.feed(page)
    assert {"script", "img", "b", "u"} & set(parser.tags) == set()
    assert not CONTROL.search(page)
    assert not CONTROL.search("\n".join(table([found], 100)))
    text = "\n".join(markdown([found]))
    assert not CONTROL.search(text)
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert not re.search(r"<(?:script|img|b|u)\b|\"https?://", rendered)
    assert not re.search(r"@team|closes #2|#1\b", text)
    lines = telling.text(proposal_of(found, Around("shop")), [])
    assert not CONTROL.search("\n".join(lines))


class Page(HTMLParser):
    """The elements of a page, its anchors and what points to them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.labels: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.attributes.append((tag, values))
        self.ids += [value for value in (values.get("id"),) if value]
        self.links += [value for value in (values.get("href"),) if value]
        self.labels += (values.get("aria-labelledby") or "").split()


@pytest.fixture(scope="module")
def page() -> Page:
    parser = Page()
    parser.feed("\n".join(html(pair())))
    return parser


def test_every_link_of_the_page_leads_to_a_line_of_it(page: Page) -> None:
    inner = [link[1:] for link in page.links if link.startswith("#")]
    assert len(inner) > 40
    assert set(inner) <= set(page.ids)
    assert [link for link in page.links if not link.startswith("#")] == ["data:,"]
    assert max(Counter(page.ids).values()) == 1


def test_the_page_asks_for_nothing_outside_itself(page: Page) -> None:
    loads_ = [(tag, values) for tag, values in page.attributes if {"src", "srcset", "data", "action"} & set(values)]
    assert loads_ == []
    assert not {"script", "iframe", "img", "object", "embed", "form", "base"} & set(page.tags)


def test_the_page_can_be_read_without_eyes_and_without_a_mouse(page: Page) -> None:
    headings = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert {"header", "main", "nav", "footer"} <= set(page.tags)
    assert set(page.labels) <= set(page.ids)
    assert all("scope" in values for tag, values in page.attributes if tag == "th")
    assert page.tags.count("caption") == page.tags.count("table")
    assert page.tags.count("title") - 1 >= page.tags.count("svg")
    assert page.tags.count("desc") == page.tags.count("svg") == 2
    scrolls = [values for _, values in page.attributes if values.get("class") == "scroll"]
    assert all(values.get("tabindex") == "0" and values.get("aria-label") for values in scrolls)
    html_ = next(values for tag, values in page.attributes if tag == "html")
    assert html_.get("lang") == "en"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_proposed_configuration_can_be_read(case: Case) -> None:
    proposal = proposal_of(case.facts(), Around("shop", "git@github.com:acme/shop.git"))
    config = loads(proposal.config.encode(), "pipelinegen.yaml")
    assert config.pipelines.style == "pull"
    assert config.images
    assert config.manifests.environments
    named = {
        each.environment.lower()
        for each in proposal.facts.deliveries
        if each.environment and "$" not in each.environment
    }
    assert named <= set(config.manifests.environments) or not named


def test_a_proposal_says_what_goes_what_stays_and_what_is_left_to_people() -> None:
    push, _ = pair()
    proposal = proposal_of(push, Around("shop", "https://github.com/acme/shop.git"))
    assert [each.credential.name for each in proposal.gone] == ["KUBE_CONFIG"]
    assert "deploy changes production by kubectl" in proposal.gone[0].purpose
    assert "https://github.com/acme/shop-manifests" in proposal.config
    questions = " ".join(each.question for each in proposal.decisions)
    assert "Which rules protect production today?" in questions
    assert "Who installs and updates the agent" in questions
    hosts = next(case.facts() for case in CASES if case.name == "github/ssh-compose")
    stays = proposal_of(hosts, Around("shop"))
    assert stays.gone == ()
    assert any(text.startswith("ssh:") for text in stays.remaining)


def test_a_credential_in_clear_is_told_and_never_shown() -> None:
    token, key = "ghp_" + "a1" * 18, "AKIA" + "Q" * 16
    text = f"""
    on: push
    env: {{DEPLOY_PAT: {token}}}
    jobs:
      a: {{runs-on: x, steps: [{{run: "curl -H 'Authorization: Bearer {token}' https://x.example"}}]}}
      b:
        runs-on: x
        env: {{AWS_ACCESS_KEY_ID: {key}}}
        steps: [{{run: "aws s3 ls"}}]
    """
    found = facts("github", text)
    told = {each.name: (each.kind, each.target, each.jobs) for each in found.credentials if each.life == "file"}
    assert told["DEPLOY_PAT"] == ("token", "forge", ("a", "b"))
    assert told["AWS_ACCESS_KEY_ID"] == ("cloud-key", "cloud", ("b",))
    assert all(each.stored for each in found.credentials)
    shown = ["\n".join(html([found])), "\n".join(table([found], 120)), "\n".join(markdown([found]))]
    shown.append(json.dumps(document([found])))
    assert not [each for each in shown if token in each or key in each]


def test_a_secret_in_clear_is_not_passed_on_with_the_page() -> None:
    found = facts("gitlab", "variables:\n  DB_PASSWORD: hunter2hunter2\na:\n  script: [echo]\n")
    page = "\n".join(html([found]))
    assert "DB_PASSWORD: ***" in page
    assert "hunter2" not in page
