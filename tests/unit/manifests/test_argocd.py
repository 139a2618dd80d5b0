"""Argo CD's own places: `kustomize.images` and `helm.parameters`."""

from __future__ import annotations

import pytest

from tests.support.trees import bump

API = "ghcr.io/acme/api"
OLD = "sha256:" + "0" * 63 + "1"
NEW = "sha256:" + "0" * 63 + "2"
TAG, DIGEST, BOTH = f"{API}:2.0.0", f"{API}@{NEW}", f"{API}:2.0.0@{NEW}"

OVERRIDES = {
    "tag": (TAG, f"- {API}:1.0.0\n", f"- {API}:2.0.0\n"),
    "with a name": (TAG, f"- api={API}:1.0.0\n", f"- api={API}:2.0.0\n"),
    "with a name, quoted": (TAG, f"- 'api={API}:1.0.0' # c\n", f"- 'api={API}:2.0.0' # c\n"),
    "with a name that has a slash": (TAG, f"- old.example/api={API}:1.0.0\n", f"- old.example/api={API}:2.0.0\n"),
    "with the same name": (TAG, f"- {API}={API}:1.0.0\n", f"- {API}={API}:2.0.0\n"),
    "with a name, no version": (TAG, f"- api={API}\n", f"- api={API}:2.0.0\n"),
    "digest": (DIGEST, f"- api={API}@{OLD}\n", f"- api={API}@{NEW}\n"),
    "both": (BOTH, f"- api={API}:1.0.0\n", f"- api={API}:2.0.0@{NEW}\n"),
    "one word": ("nginx:1.27", "- nginx:1.26\n- web=nginx:1.26\n", "- nginx:1.27\n- web=nginx:1.27\n"),
    "flow": (TAG, f"- x\n- {{}}\n- api={API}:1.0.0\n", f"- x\n- {{}}\n- api={API}:2.0.0\n"),
}


@pytest.mark.parametrize(("reference", "before", "after"), OVERRIDES.values(), ids=OVERRIDES)
@pytest.mark.parametrize("head", ["kustomize:\n  images:\n", "sources:\n- kustomize:\n    images:\n"])
def test_an_override_of_kustomize_changes(head: str, reference: str, before: str, after: str) -> None:
    indent = " " * (len(head.splitlines()[-1]) - len("images:"))
    text = "".join(f"{indent}{line}\n" for line in before.splitlines())
    wanted = "".join(f"{indent}{line}\n" for line in after.splitlines())
    bumped = bump(head + text, reference)
    assert bumped.text() == head + wanted
    assert {edit.kind for edit in bumped.plan.edits} == {"kustomize-images"}


@pytest.mark.parametrize(
    "text",
    [
        "kustomize:\n  images:\n  - api=ghcr.io/acme/web:1.0.0\n",
        "kustomize:\n  images:\n  - ghcr.io/acme/api=ghcr.io/acme/web:1.0.0\n",
        "kustomize:\n  images:\n  - ghcr.io/acme/api:1.0.0=ghcr.io/acme/web:1.0.0\n",
        "kustomize:\n  namePrefix: x=ghcr.io/acme/api:1.0.0\n",
        "images:\n- x=ghcr.io/acme/api:1.0.0\n",
        "kustomize:\n  images:\n  - a=b=ghcr.io/acme/api:1.0.0\n",
        "kustomize:\n  images:\n  - api=ghcr.io/acme/api:${TAG}\n",
    ],
)
def test_another_override_is_left_alone(text: str) -> None:
    assert bump(text, TAG).text() == text


def parameters(text: str) -> str:
    lines = "".join(f"      {line}\n" for line in text.splitlines())
    return f"kind: Application\nspec:\n  source:\n    helm:\n      parameters:\n{lines}"


PAIRS = {
    "image.repository and image.tag": (
        TAG,
        "- name: image.repository\n  value: {api}\n- name: image.tag\n  value: 1.0.0 # c\n",
        "- name: image.repository\n  value: {api}\n- name: image.tag\n  value: 2.0.0 # c\n",
    ),
    "tag first, quoted, forceString": (
        f"{API}:1.10",
        '- name: api.image.tag\n  value: "1.9"\n  forceString: true\n- name: api.image.repository\n  value: {api}\n',
        '- name: api.image.tag\n  value: "1.10"\n  forceString: true\n- name: api.image.repository\n  value: {api}\n',
    ),
    "quoted since a reader would see a number": (
        f"{API}:1.10",
        "- name: image.repository\n  value: {api}\n- name: image.tag\n  value: v1.9\n",
        '- name: image.repository\n  value: {api}\n- name: image.tag\n  value: "1.10"\n',
    ),
    "only the tag of the same prefix": (
        TAG,
        (
            "- name: web.image.tag\n  value: 1.0.0\n- name: api.image.tag\n  value: 1.0.0\n"
            "- name: api.image.repository\n  value: {api}\n"
        ),
        (
            "- name: web.image.tag\n  value: 1.0.0\n- name: api.image.tag\n  value: 2.0.0\n"
            "- name: api.image.repository\n  value: {api}\n"
        ),
    ),
    "registry apart": (
        TAG,
        (
            "- {{name: image.registry, value: ghcr.io}}\n- {{name: image.repository, value: acme/api}}\n"
            "- {{name: image.tag, value: 1.0.0}}\n"
        ),
        (
            "- {{name: image.registry, value: ghcr.io}}\n- {{name: image.repository, value: acme/api}}\n"
            "- {{name: image.tag, value: 2.0.0}}\n"
        ),
    ),
    "image and tag": (
        TAG,
        "- name: image\n  value: {api}\n- name: tag\n  value: 1.0.0\n",
        "- name: image\n  value: {api}\n- name: tag\n  value: 2.0.0\n",
    ),
    "imageTag": (
        TAG,
        "- name: image\n  value: {api}\n- name: imageTag\n  value: 1.0.0\n",
        "- name: image\n  value: {api}\n- name: imageTag\n  value: 2.0.0\n",
    ),
    "camel case": (
        TAG,
        "- name: apiImage\n  value: {api}\n- name: apiTag\n  value: 1.0.0\n",
        "- name: apiImage\n  value: {api}\n- name: apiTag\n  value: 2.0.0\n",
    ),
    "a whole reference": (
        TAG,
        "- name: image\n  value: {api}:1.0.0\n",
        "- name: image\n  value: {api}:2.0.0\n",
    ),
    "digest: set": (
        DIGEST,
        "- name: image.repository\n  value: {api}\n- name: image.digest\n  value: {old}\n",
        "- name: image.repository\n  value: {api}\n- name: image.digest\n  value: {new}\n",
    ),
    "tag: digest emptied": (
        TAG,
        (
            "- name: image.repository\n  value: {api}\n- name: image.tag\n  value: 1.0.0\n"
            "- name: image.digest\n  value: {old}\n"
        ),
        (
            "- name: image.repository\n  value: {api}\n- name: image.tag\n  value: 2.0.0\n"
            '- name: image.digest\n  value: ""\n'
        ),
    ),
    "TAG@DIGEST": (
        BOTH,
        "- name: image.repository\n  value: {api}\n- name: image.tag\n  value: 1.0.0@{old}\n",
        "- name: image.repository\n  value: {api}\n- name: image.tag\n  value: 2.0.0@{new}\n",
    ),
}


@pytest.mark.parametrize(("reference", "before", "after"), PAIRS.values(), ids=PAIRS)
def test_a_pair_of_parameters_changes_in_its_tag(reference: str, before: str, after: str) -> None:
    words = {"api": API, "old": OLD, "new": NEW}
    text, wanted = parameters(before.format(**words)), parameters(after.format(**words))
    assert bump(text, reference).text() == wanted


LEFT_ALONE = {
    "no tag": ("- name: image.repository\n  value: ghcr.io/acme/api\n", "names the repository without a version"),
    "tag of another prefix": (
        "- name: api.image.repository\n  value: ghcr.io/acme/api\n- name: web.image.tag\n  value: 1.0.0\n",
        "names the repository without a version",
    ),
    "another registry": (
        (
            "- name: image.registry\n  value: quay.io\n- name: image.repository\n  value: acme/api\n"
            "- name: image.tag\n  value: 1.0.0\n"
        ),
        "another repository: quay.io/acme/api",
    ),
    "registry from a variable": (
        (
            "- name: image.registry\n  value: $REGISTRY\n- name: image.repository\n  value: acme/api\n"
            "- name: image.tag\n  value: 1.0.0\n"
        ),
        "built from a variable",
    ),
    "tag from a variable": (
        "- name: image.repository\n  value: ghcr.io/acme/api\n- name: image.tag\n  value: $ARGOCD_APP_REVISION\n",
        "built from a variable",
    ),
    "the tag stands twice": (
        (
            "- name: image.repository\n  value: ghcr.io/acme/api\n- name: image.tag\n  value: 1.0.0\n"
            "- name: image.tag\n  value: 1.0.1\n"
        ),
        "the parameter image.tag stands twice",
    ),
}


@pytest.mark.parametrize(("text", "reason"), LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_parameters_are_left_alone(text: str, reason: str) -> None:
    bumped = bump(parameters(text), TAG)
    assert bumped.text() == parameters(text)
    assert [each.partition(": ")[2] for each in bumped.reasons] == [reason]


@pytest.mark.parametrize("names", [("api", "web"), ("web", "api")])
def test_a_repository_that_stands_twice_is_left_alone(names: tuple[str, str]) -> None:
    repositories = "".join(f"- name: image.repository\n  value: ghcr.io/acme/{name}\n" for name in names)
    text = parameters(f"{repositories}- name: image.tag\n  value: 1.0.1\n")
    bumped = bump(text, TAG)
    reasons = [each.partition(": ")[2] for each in bumped.warnings]
    assert (bumped.text(), reasons) == (text, ["the parameter image.repository stands twice"])


def test_more_parameters_than_anybody_writes_are_left_alone() -> None:
    text = parameters("- name: image.repository\n  value: ghcr.io/acme/api\n- name: image.tag\n  value: 1.0.0\n" * 501)
    assert bump(text, TAG).text() == text


def test_parameters_of_something_else_are_no_pair() -> None:
    text = "parameters:\n- name: image.repository\n  value: ghcr.io/acme/api\n- name: image.tag\n  value: 1.0.0\n"
    assert bump(text, TAG).text() == text
