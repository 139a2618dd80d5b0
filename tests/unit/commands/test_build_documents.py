"""What a build hands on: a file that bump and skaffold read, outputs of one line each, a page for people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelinegen.commands.building.asked import BuildOptions
from pipelinegen.commands.building.documents import Outcome, document, facts, summary, tell_ci, worst, write_metadata
from pipelinegen.commands.building.made import Failed
from pipelinegen.edge.ci import CiContext
from pipelinegen.edge.image_tests import spec
from pipelinegen.errors import InputError, NotPermitted, PipelinegenError, Refused, WorldError
from pipelinegen.images.metadata import references
from tests.support.builds import DIGEST, REVISION, made, source, wanted

BUILT = Outcome(source(), [made("api", platforms=("linux/amd64",)), made("web", "unchanged")])
FAILURE = Failed(wanted("cli"), Refused("2 of 3 tests of cli failed", id="tests-failed"))


def test_bump_reads_what_is_written() -> None:
    read = references(json.dumps(document(BUILT)).encode(), "build-metadata.json")
    assert [str(each.reference) for each in read] == [
        f"ghcr.io/acme/api:sha-90dd603@{DIGEST}",
        f"ghcr.io/acme/web:sha-90dd603@{DIGEST}",
    ]
    assert read[0].source_revision == REVISION
    assert read[0].source_url == "https://github.com/acme/shop"
    assert read[0].created == "2026-03-07T15:04:09Z"


def test_skaffold_finds_its_list_in_it() -> None:
    assert document(BUILT)["builds"][0] == {
        "imageName": "ghcr.io/acme/api",
        "tag": f"ghcr.io/acme/api:sha-90dd603@{DIGEST}",
    }
    assert len(references(json.dumps({"builds": document(BUILT)["builds"]}).encode(), "skaffold.json")) == 2


def test_the_document_of_an_image() -> None:
    report = spec.TestReport(
        "api", "linux/amd64", (spec.Case("up", "http", True, 0.25), spec.Case("ok", "command", True, 0.5))
    )
    outcome = Outcome(source(), [made(platforms=("linux/amd64",), tests=report, inputs="12ab", engine="oci")])
    assert document(outcome)["images"] == [
        {
            "name": "api",
            "result": "built",
            "repository": "ghcr.io/acme/api",
            "tag": "sha-90dd603",
            "tags": ["main", "sha-90dd603"],
            "digest": DIGEST,
            "reference": f"ghcr.io/acme/api:sha-90dd603@{DIGEST}",
            "mirrors": [],
            "platforms": ["linux/amd64"],
            "inputs": "12ab",
            "engine": "oci",
            "created": "2026-03-07T15:04:09Z",
            "source": {"revision": REVISION, "url": "https://github.com/acme/shop"},
            "tests": {"passed": 2, "failed": 0, "seconds": 0.75, "failures": []},
            "notes": [],
        }
    ]


def test_what_is_not_in_the_registry_cannot_be_deployed() -> None:
    outcome = Outcome(source(), [made("api", "unpushed"), made("web")], [FAILURE])
    told = document(outcome)
    assert [image["name"] for image in told["images"]] == ["web"]
    assert [image["name"] for image in told["unpushed"]] == ["api"]
    assert told["failed"][0]["error"]["id"] == "tests-failed"
    assert told["error"]["exit"] == 1
    assert len(references(json.dumps(told).encode(), "x")) == 1
    with pytest.raises(InputError, match="names no image"):
        references(json.dumps(document(Outcome(source(), [made("api", "unpushed")]))).encode(), "x")


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        pytest.param(BUILT, "built", id="one of two was built"),
        pytest.param(Outcome(source(), [made("a", "unchanged")]), "unchanged", id="all are there"),
        pytest.param(Outcome(source(), [made("a", "unpushed")]), "unpushed", id="none is pushed"),
        pytest.param(BUILT._replace(failed=[FAILURE]), "refused", id="a test failed"),
        pytest.param(
            BUILT._replace(failed=[FAILURE, Failed(wanted(), WorldError("gone", id="net"))]), "failed", id="the world"
        ),
    ],
)
def test_one_word_for_it(outcome: Outcome, result: str) -> None:
    assert document(outcome)["result"] == result


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([Refused("a", id="a"), WorldError("b", id="b")], 3),
        ([WorldError("b", id="b"), InputError("c", id="c")], 2),
        ([InputError("c", id="c"), NotPermitted("d", id="d"), Refused("a", id="a")], 4),
    ],
)
def test_of_several_failures_the_worst_decides(errors: list[PipelinegenError], code: int) -> None:
    assert worst([Failed(wanted(), error) for error in errors]).exit_code == code


def test_outputs_are_lines_under_names_that_steps_can_use() -> None:
    odd = made("api")._replace(wanted=wanted("2.x", repository="ghcr.io/acme/2x"))
    told = facts(Outcome(source(), [made("api"), odd]), "out/build.json")
    assert told == {
        "result": "built",
        "changed": "true",
        "metadata-file": "out/build.json",
        "references": f"ghcr.io/acme/api:sha-90dd603@{DIGEST} ghcr.io/acme/2x:sha-90dd603@{DIGEST}",
        "api-reference": f"ghcr.io/acme/api:sha-90dd603@{DIGEST}",
        "api-digest": DIGEST,
        "api-tag": "sha-90dd603",
        "image-2-x-reference": f"ghcr.io/acme/2x:sha-90dd603@{DIGEST}",
        "image-2-x-digest": DIGEST,
        "image-2-x-tag": "sha-90dd603",
    }
    assert facts(Outcome(source(), [made("api", "unchanged")]), "x")["changed"] == "false"


def test_outputs_go_where_the_ci_reads_them(tmp_path: Path) -> None:
    github = CiContext(kind="github", output_file=str(tmp_path / "out"), summary_file=str(tmp_path / "page"))
    tell_ci(Outcome(source()._replace(ci=github), BUILT.made), "m")
    assert "api-digest<<pipelinegen_" in (tmp_path / "out").read_text()
    assert DIGEST in (tmp_path / "page").read_text()
    gitlab = CiContext(kind="gitlab", output_file=str(tmp_path / "env"))
    tell_ci(Outcome(source()._replace(ci=gitlab), BUILT.made), "m")
    assert f"PIPELINEGEN_API_DIGEST={DIGEST}\n" in (tmp_path / "env").read_text()
    tell_ci(BUILT, "m")  # outside CI nothing is written


def test_the_page_says_what_failed_and_breaks_on_no_name() -> None:
    bad = Failed(wanted(), Refused("a|b <script>\n", id="x"))
    page = summary(Outcome(source(), [made("api", notes=("main stays where it is",))], [bad]))
    assert page.startswith("### pipelinegen build: refused\n")
    assert "<script>" not in page
    assert "- main stays where it is" in page
    assert len([line for line in page.splitlines() if line.startswith("| ")]) == 4


def test_the_file_is_whole_or_not_there(tmp_path: Path) -> None:
    options = BuildOptions(directory=str(tmp_path))
    assert write_metadata(BUILT, options) == "build-metadata.json"
    assert json.loads((tmp_path / "build-metadata.json").read_text()) == document(BUILT)
    assert [path.name for path in tmp_path.iterdir()] == ["build-metadata.json"]
    with pytest.raises(WorldError) as caught:
        write_metadata(BUILT, options._replace(metadata_file="no/such/folder.json"))
    assert f"ghcr.io/acme/api:sha-90dd603@{DIGEST}" in (caught.value.state or "")
