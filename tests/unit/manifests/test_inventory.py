"""What the inventory reads is what a bump would change: named or not, in every way of writing an image."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.inventory import Standing, Version, inventory, places
from pipelinegen.manifests.plan import Skip
from tests.support.trees import Memory, bump

API = "ghcr.io/acme/api"
DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32

# one way of writing: the files, and `file:line repository version` of what stands there
WRITTEN = {
    "a container": (
        {"a.yaml": f"kind: Pod\nspec:\n  containers:\n  - image: {API}:1.0.0\n"},
        [f"a.yaml:4 {API} 1.0.0"],
    ),
    "tag and digest": ({"a.yaml": f"image: {API}:1.0.0@{DIGEST}\n"}, [f"a.yaml:1 {API} 1.0.0@{DIGEST}"]),
    "a digest alone": ({"a.yaml": f"image: {API}@{DIGEST}\n"}, [f"a.yaml:1 {API} {DIGEST}"]),
    "a short name": ({"a.yaml": "image: redis:7\n"}, ["a.yaml:1 docker.io/library/redis 7"]),
    "an environment variable": (
        {"a.yaml": f"env:\n- {{name: SIDECAR_IMAGE, value: {API}:1.0.0}}\n"},
        [f"a.yaml:2 {API} 1.0.0"],
    ),
    "kustomize": (
        {"kustomization.yaml": f"images:\n- name: api\n  newName: {API}\n  newTag: 1.0.0\n  digest: {DIGEST}\n"},
        [f"kustomization.yaml:3 {API} 1.0.0@{DIGEST}"],
    ),
    "kustomize without a version": (
        {"kustomization.yaml": f"images:\n- name: {API}\n"},
        [f"kustomization.yaml:2 {API} (no version)"],
    ),
    "Helm values": (
        {"values.yaml": "image:\n  registry: ghcr.io\n  repository: acme/api\n  tag: 1.0.0\n"},
        [f"values.yaml:4 {API} 1.0.0"],
    ),
    "values with TAG@DIGEST": (
        {"values.yaml": f"image:\n  repository: {API}\n  tag: 1.0.0@{DIGEST}\n"},
        [f"values.yaml:3 {API} 1.0.0@{DIGEST}"],
    ),
    "a tag alone beside the values that name it": (
        {
            "chart/values.yaml": f"image:\n  repository: {API}\n  tag: 1.0.0\n",
            "chart/values-production.yaml": "image:\n  tag: 0.9.0\n",
        },
        [f"chart/values-production.yaml:2 {API} 0.9.0", f"chart/values.yaml:3 {API} 1.0.0"],
    ),
    "Argo CD parameters": (
        {
            "app.yaml": "kind: Application\nspec:\n  source:\n    helm:\n      parameters:\n"
            f"      - {{name: image.repository, value: {API}}}\n      - {{name: image.tag, value: 1.0.0}}\n"
        },
        [f"app.yaml:7 {API} 1.0.0"],
    ),
    "Argo CD's kustomize images": (
        {"app.yaml": f"spec:\n  source:\n    kustomize:\n      images:\n      - api={API}:1.0.0\n"},
        [f"app.yaml:5 {API} 1.0.0"],
    ),
    "JSON": ({"a.json": f'{{"image": "{API}:1.0.0"}}\n'}, [f"a.json:1 {API} 1.0.0"]),
    "a template": (
        {"t.yaml": f"a: {{{{ .x }}}}\nb:\n  image: {API}:1.0.0\n"},
        [f"t.yaml:3 {API} 1.0.0"],
    ),
    "an anchor that two aliases use": (
        {"a.yaml": f"x: {{image: &a {API}:1.0.0}}\ny: {{image: *a}}\nz: {{image: *a}}\n"},
        [f"a.yaml:1 {API} 1.0.0"],
    ),
}


def listed(standings: list[Standing]) -> list[str]:
    return [f"{each.place} {each.repository} {each.version}" for each in standings]


@pytest.mark.parametrize(("files", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_a_named_image_is_found_in_every_way_of_writing_it(files: dict[str, str], expected: list[str]) -> None:
    names = {line.split(" ")[1] for line in expected}
    assert listed(inventory(Memory(files), Selection(), names)) == expected


@pytest.mark.parametrize(("files", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_an_image_that_nobody_named_is_found_as_well(files: dict[str, str], expected: list[str]) -> None:
    assert listed(inventory(Memory(files), Selection(), None)) == expected


# what is no image unless it is named
NOT_IMAGES = {
    "a path": "path: acme/api:1.0.0\n",
    "a url": "url: https://ghcr.io/acme/api\n",
    "a port": "image-host: redis\nhost: redis:6379\n",
    "prose": "image: not an image at all\n",
    "a comment": f"image-note: x # {API}:1.0.0\n",
    "a variable": f"image: {API}:${{TAG}}\n",
    "a chart's repository": "repository: https://charts.example.com\nversion: 1.0.0\n",
    "a scanned repository": f"kind: ImageRepository\nspec:\n  image: {API}\n",
}


@pytest.mark.parametrize("text", NOT_IMAGES.values(), ids=NOT_IMAGES)
def test_what_is_no_image_is_not_taken_for_one(text: str) -> None:
    assert inventory(Memory({"a.yaml": text}), Selection(), None) == []


def test_what_is_an_image_in_one_place_is_one_in_all() -> None:
    text = f"image: {API}:1.0.0\nargs:\n- {API}:1.0.0\n- ghcr.io/acme/other:1.0.0\n"
    assert listed(inventory(Memory({"a.yaml": text}), Selection(), None)) == [
        f"a.yaml:1 {API} 1.0.0",
        f"a.yaml:3 {API} 1.0.0",
    ]


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("null", "(no version)"),
        ("~", "(no version)"),
        ("''", "(no version)"),
        ("", "(no version)"),
        ("'null'", "null"),
        ("a b", "(no version)"),
        ("'[x]'", "(no version)"),
        ("1.10", "1.10"),
        (f"1.10@{DIGEST}", f"1.10@{DIGEST}"),
        ("1.10@sha256:12", "1.10"),
    ],
)
def test_what_is_no_tag_says_no_version(written: str, version: str) -> None:
    for path, text in (
        ("values.yaml", f"image:\n  repository: {API}\n  tag: {written}\n"),
        ("kustomization.yaml", f"images:\n- name: {API}\n  newTag: {written}\n"),
    ):
        if path == "kustomization.yaml" and "@" in written:
            continue
        (standing,) = inventory(Memory({path: text}), Selection(), {API})
        assert str(standing.version) == version, path


def test_only_selected_files_count_and_unselected_values_name_what_a_tag_is_of() -> None:
    tree = Memory(
        {
            "chart/values.yaml": f"image:\n  repository: {API}\n  tag: 1.0.0\n",
            "chart/values-production.yaml": "image:\n  tag: 0.9.0\n",
            "staging/pod.yaml": "image: redis:7\n",
        }
    )
    selection = Selection(selects=lambda path: path == "chart/values-production.yaml")
    for names in (None, {API}):
        assert listed(inventory(tree, selection, names)) == [f"chart/values-production.yaml:2 {API} 0.9.0"]


def test_images_of_text_files_are_found_by_their_registry_or_after_from() -> None:
    tree = Memory({"a.tfvars": f'image = "{API}:1.0.0"\nkey = "a/b:c"\n', "Dockerfile": "FROM redis:7\n"})
    selection = Selection(text_file=lambda path: path in ("a.tfvars", "Dockerfile"))
    assert listed(inventory(tree, selection, None)) == [
        "Dockerfile:1 docker.io/library/redis 7",
        f"a.tfvars:1 {API} 1.0.0",
    ]


def test_a_selected_file_that_cannot_be_read_is_told_once() -> None:
    tree = Memory({"a.yaml": f"image: {API}:1.0.0\nb: [\n", "b.yaml": f"image: {API}:1.0.0\n"})
    told: list[Skip] = []
    for names in (None, {API}):
        told.clear()
        assert listed(inventory(tree, Selection(), names, told.append)) == [f"b.yaml:1 {API} 1.0.0"]
        assert [(skip.file, skip.warn) for skip in told] == [("a.yaml", True)]
    told.clear()
    inventory(tree, Selection(selects=lambda path: path == "b.yaml"), {API}, told.append)
    assert told == []


def test_a_place_on_which_readers_differ_is_left_out() -> None:
    text = f"a:\n  image: {API}:1.0.0\na:\n  image: {API}:2.0.0\n"
    assert inventory(Memory({"a.yaml": text}), Selection(), {API}) == []


def test_nothing_is_asked_for_and_nothing_is_found() -> None:
    assert inventory(Memory({"a.yaml": f"image: {API}:1.0.0\n"}), Selection(), []) == []


tags = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True).filter(lambda tag: not tag.endswith("."))


@given(st.sampled_from(sorted(WRITTEN)), tags, st.sampled_from([None, OTHER]))
def test_the_inventory_reads_what_a_bump_wrote(way: str, tag: str, digest: str | None) -> None:
    files, expected = WRITTEN[way]
    name = expected[0].split(" ")[1]
    selection = Selection(allow_downgrade=True)
    bumped = bump(files, f"{name}:{tag}{'@' + digest if digest else ''}", selection=selection)
    noted = {skip.line for skip in bumped.plan.skipped if skip.warn}  # there, not all of the request could be written
    for standing in inventory(Memory(bumped.files), selection, {name}):
        assert standing.tag == tag
        assert standing.digest == digest or standing.line in noted


def test_places_in_one_line() -> None:
    standings = [Standing(API, "1", None, "a.yaml", line, 1, "scalar") for line in range(1, 6)]
    assert places(standings[:2]) == "a.yaml:1, a.yaml:2"
    assert places(standings) == "a.yaml:1, a.yaml:2, a.yaml:3, 2 more"


@pytest.mark.parametrize(
    ("version", "text"),
    [
        (Version("1", None), "1"),
        (Version("1", DIGEST), f"1@{DIGEST}"),
        (Version(None, DIGEST), DIGEST),
        (Version(None, None), "(no version)"),
    ],
)
def test_a_version_in_words(version: Version, text: str) -> None:
    assert str(version) == text
    assert version.short == text.replace("ab" * 32, "ab" * 6)
    assert bool(version) == (text != "(no version)")
