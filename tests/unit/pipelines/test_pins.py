"""What generated pipelines take from others is pinned, known, and still runs."""

import re

import pytest

from pipelinegen.errors import Defect
from pipelinegen.pipelines import pins
from pipelinegen.pipelines.pins import Action

ACTIONS = pins.actions()


@pytest.mark.parametrize("key", ACTIONS)
def test_an_action_is_pinned_by_its_commit(key: str) -> None:
    one = ACTIONS[key]
    assert re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", one.name)
    assert re.fullmatch(r"v\d+\.\d+\.\d+", one.tag)
    assert re.fullmatch(r"[0-9a-f]{40}", one.commit)
    assert one.inputs


def test_no_two_actions_share_a_commit() -> None:
    assert len({one.commit for one in ACTIONS.values()}) == len(ACTIONS)


def test_every_action_runs_on_what_the_runners_still_have() -> None:
    assert pins.without_runner(ACTIONS.values(), pins.runtimes_gone()) == ()


@pytest.mark.parametrize(("runtime", "day"), [("node12", "2023"), ("node16", "2024"), ("node20", "2026-09-16")])
def test_a_runtime_that_has_left_the_runners_is_told(runtime: str, day: str) -> None:
    old = Action("actions/checkout", "v4.2.2", "1" * 40, runtime, frozenset({"ref"}))
    (said,) = pins.without_runner([old, ACTIONS["checkout"]], pins.runtimes_gone())
    assert said.startswith(f"actions/checkout v4.2.2 runs on {runtime}, which left the runners on {day}")


@pytest.mark.parametrize("runtime", ["node24", "composite", "docker"])
def test_what_still_runs_is_not_told(runtime: str) -> None:
    assert runtime not in pins.runtimes_gone()


def test_an_input_that_an_action_does_not_have_is_told() -> None:
    checkout = pins.action("checkout")
    assert checkout.unknown(["persist-credentials", "fetch-depth"]) == ()
    assert checkout.unknown(["ref", "persist_credentials", "depth"]) == ("depth", "persist_credentials")


def test_an_action_that_is_not_pinned_is_a_defect_of_ours() -> None:
    with pytest.raises(Defect, match="no action is pinned under the name 'azure-login'"):
        pins.action("azure-login")


@pytest.mark.parametrize("key", pins.tools())
def test_a_tool_is_pinned_by_its_checksums(key: str) -> None:
    one = pins.tools()[key]
    assert one.version
    assert one.url.startswith("https://")
    assert "{version}" in one.url
    assert set(one.sha256) >= {"amd64"}
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in one.sha256.values())
