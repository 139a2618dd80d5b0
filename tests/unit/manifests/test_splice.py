"""Applying a plan to bytes: what is written, and that the proof refuses every edit that does something else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipelinegen.errors import Defect, WorldError
from pipelinegen.manifests.plan import Edit
from pipelinegen.manifests.planning import make_plan
from pipelinegen.manifests.rewrite import Expectation
from pipelinegen.manifests.source import read_source
from pipelinegen.manifests.splice import apply, splice
from tests.support.trees import Memory, requests

API = "ghcr.io/acme/api"
OLD = "sha256:" + "0" * 63 + "1"
DEPLOYMENT = f"""\
kind: Deployment
spec:
  containers:
  - name: api  # the api

    image: {API}:1.0.0   # pinned
  - image: other:1.0.0
"""
KUSTOMIZATION = f"""\
images:
# the api
- name: {API}  # name

  newTag: 1.0.0
  digest: {OLD}
- name: other
  newTag: 1.0.0
"""


def spliced(path: str, text: str, edits: list[Edit]) -> bytes:
    return splice(read_source(path, text.encode()), edits)


def planned(path: str, text: str, reference: str = f"{API}:2.0.0") -> list[Edit]:
    return list(make_plan(Memory({path: text}), requests([reference])).edits)


def test_the_planned_edits_are_applied() -> None:
    edits = planned("a.yaml", DEPLOYMENT)
    assert spliced("a.yaml", DEPLOYMENT, edits) == DEPLOYMENT.replace("api:1.0.0", "api:2.0.0").encode()


# what goes wrong with the one edit of the deployment
MUTATIONS: dict[str, Callable[[Edit], Edit]] = {
    "another tag": lambda edit: edit._replace(new=":3.0.0"),
    "no tag": lambda edit: edit._replace(new=""),
    "a comment swallowed": lambda edit: edit._replace(
        end=edit.end + 12, old=f"{edit.old}   # pinned\n", new=":2.0.0\n"
    ),
    "trailing blanks swallowed": lambda edit: edit._replace(end=edit.end + 3, old=f"{edit.old}   "),
    "a comment added": lambda edit: edit._replace(new=f"{edit.new} # new"),
    "a line added": lambda edit: edit._replace(new=f"{edit.new}\n    ports: []"),
    "a blank line added before it": lambda edit: edit._replace(
        start=edit.start - 31, end=edit.start - 31, old="", new="\n"
    ),
    "quotes that do not close": lambda edit: edit._replace(new='"'),
    "a mapping": lambda edit: edit._replace(new=": {}"),
    "an anchor": lambda edit: edit._replace(
        start=edit.start - len(API), old=f"{API}{edit.old}", new=f"&a {API}{edit.new}"
    ),
    "a YAML tag": lambda edit: edit._replace(
        start=edit.start - len(API), old=f"{API}{edit.old}", new=f"!!str {API}{edit.new}"
    ),
    "another scalar expected": lambda edit: edit._replace(
        expectations=(edit.expectations[0]._replace(at=edit.expectations[0].at - 1),)
    ),
    "a removal expected": lambda edit: edit._replace(expectations=(edit.expectations[0]._replace(values=()),)),
    "one scalar more expected": lambda edit: edit._replace(
        expectations=(edit.expectations[0], Expectation(0, 4, ("Kind",)))
    ),
    "nothing expected": lambda edit: edit._replace(expectations=()),
    "a document more": lambda edit: edit._replace(new=f"{edit.new}\n---\n"),
    "a line break that readers differ on": lambda edit: edit._replace(new=f"{edit.new} # \x85"),
}


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS)
def test_a_wrong_edit_is_not_written(mutate: Callable[[Edit], Edit]) -> None:
    (edit,) = planned("a.yaml", DEPLOYMENT)
    with pytest.raises(Defect) as caught:
        spliced("a.yaml", DEPLOYMENT, [mutate(edit)])
    assert caught.value.id == "unproved"


def test_the_edits_of_a_kustomization_are_applied() -> None:
    after = KUSTOMIZATION.replace("1.0.0", "2.0.0", 1).replace(f"  digest: {OLD}\n", "")
    assert spliced("kustomization.yaml", KUSTOMIZATION, planned("kustomization.yaml", KUSTOMIZATION)) == after.encode()


def test_a_removal_that_takes_the_next_entry_along_is_not_written() -> None:
    *_, removal = planned("kustomization.yaml", KUSTOMIZATION)
    more = removal._replace(end=removal.end + len("- name: other\n"), old=f"{removal.old}- name: other\n")
    with pytest.raises(Defect):
        spliced("kustomization.yaml", KUSTOMIZATION, [more])


def test_an_insertion_that_replaces_something_is_not_written() -> None:
    text = f"images:\n- name: {API}\n  \n"
    (insertion,) = planned("kustomization.yaml", text)
    more = insertion._replace(end=insertion.end + 3, old="\n  ")
    with pytest.raises(Defect):
        spliced("kustomization.yaml", text, [more])


@pytest.mark.parametrize(
    "meanwhile",
    [DEPLOYMENT.replace("1.0.0", "1.0.1"), f"#\n{DEPLOYMENT}", "", "a: [\n", "a: 1\n# \x85\n", None],
    ids=["another tag", "a line more", "empty", "not YAML", "odd line break", "gone"],
)
def test_a_file_that_changed_meanwhile_is_not_written(meanwhile: str | None) -> None:
    plan = make_plan(Memory({"a.yaml": DEPLOYMENT}), requests([f"{API}:2.0.0"]))
    with pytest.raises(WorldError) as caught:
        apply(plan, Memory({} if meanwhile is None else {"a.yaml": meanwhile}))
    assert caught.value.id == "changed-meanwhile"


@pytest.mark.parametrize("overlap", ["twice", "in the wrong order"])
def test_edits_that_are_not_in_order_are_not_written(overlap: str) -> None:
    text = f"a: {API}:1.0.0\nb: {API}:1.0.0\n"
    edits = planned("a.yaml", text)
    with pytest.raises(WorldError):
        spliced("a.yaml", text, [edits[0], edits[0]] if overlap == "twice" else edits[::-1])
