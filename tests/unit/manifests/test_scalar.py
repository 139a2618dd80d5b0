"""Whole scalars: what is a reference to the image under which key, and what only looks like one."""

from __future__ import annotations

import pytest

from tests.support.trees import bump

API = "ghcr.io/acme/api"
OLD = "sha256:" + "0" * 63 + "1"
NEW = "sha256:" + "0" * 63 + "2"
TAG, DIGEST, BOTH = f"{API}:2.0.0", f"{API}@{NEW}", f"{API}:2.0.0@{NEW}"

# what is given, the reference before, the reference after
VERSIONS = {
    "tag on tag": (TAG, f"{API}:1.0.0", f"{API}:2.0.0"),
    "tag on digest": (TAG, f"{API}@{OLD}", f"{API}:2.0.0"),
    "tag on both": (TAG, f"{API}:1.0.0@{OLD}", f"{API}:2.0.0"),
    "tag on the same tag, pinned": (TAG, f"{API}:2.0.0@{OLD}", f"{API}:2.0.0@{OLD}"),
    "digest on tag": (DIGEST, f"{API}:1.0.0", f"{API}:1.0.0@{NEW}"),
    "digest on digest": (DIGEST, f"{API}@{OLD}", f"{API}@{NEW}"),
    "digest on both": (DIGEST, f"{API}:1.0.0@{OLD}", f"{API}:1.0.0@{NEW}"),
    "both on tag": (BOTH, f"{API}:1.0.0", f"{API}:2.0.0@{NEW}"),
    "both on digest": (BOTH, f"{API}@{OLD}", f"{API}:2.0.0@{NEW}"),
    "both on both": (BOTH, f"{API}:1.0.0@{OLD}", f"{API}:2.0.0@{NEW}"),
    "both on the same tag": (BOTH, f"{API}:2.0.0", f"{API}:2.0.0@{NEW}"),
    "another algorithm": (TAG, f"{API}@sha512:{'0' * 128}", f"{API}:2.0.0"),
}


@pytest.mark.parametrize(("reference", "before", "after"), VERSIONS.values(), ids=VERSIONS)
def test_tag_and_digest_are_one_unit(reference: str, before: str, after: str) -> None:
    assert bump(f"image: {before} # c\n", reference).text() == f"image: {after} # c\n"


STYLES = {
    "plain": "image: {}\n",
    "double quotes": 'image: "{}"\n',
    "single quotes": "image: '{}'\n",
    "comment": "image: {}   # ghcr.io/acme/api:1.0.0\n",
    "next line": "image:\n  {}\n",
    "quoted key": '"image": {}\n',
    "explicit key": "? image\n: {}\n",
    "item": "images:\n- {}\n- other:1\n",
    "item of an item": "- - {}\n",
    "flow mapping": "a: {{image: {}}}\n",
    "flow mapping, close": '{{"image":"{}"}}\n',
    "flow sequence": "a: [x, {}, y]\n",
    "flow over lines": "a: {{\n  image: {} # c\n  , b: 1}}\n",
    "anchor": "image: &i {}\nb: *i\n",
    "string tag": "image: !!str {}\n",
    "anchor and tag": "image: &i !!str '{}'\n",
    "tag with a comment": "image: !!str # ghcr.io/acme/api:1.0.0\n  {}\n",
    "literal block": "image: |-\n  {}\n",
    "literal block with its line break": "image: |\n  {}\n",
    "folded block": "image: >-\n  {}\nb: 1\n",
    "folded block with a comment": "image: >- # ghcr.io/acme/api:1.0.0\n    {}\n\n",
    "block with an indentation mark": "image: >2-\n  {}\n",
    "whole document": "{}\n",
    "second document": "a: 1\n---\nimage: {}\n",
    "behind a directive": "%YAML 1.1\n---\nimage: {}\n",
    "one blank of indentation": "a:\n image: {}\n",
    "wide indentation": "a:\n          image: {}\n",
    "other scripts before": "\u30ad\u30fc: \u5024 # \U0001f680\nimage: {}\n",
    "Windows line ends": "a: 1\r\nimage: {}\r\n",
    "no line break at the end": "image: {}",
    "trailing blanks": "image: {}   \t\n",
}


@pytest.mark.parametrize("text", STYLES.values(), ids=STYLES)
def test_only_the_tag_changes_in_every_style(text: str) -> None:
    assert bump(text.format(f"{API}:1.0.0"), TAG).text() == text.format(f"{API}:2.0.0")


def test_escapes_in_quotes_are_kept() -> None:
    before = '"image": "ghcr.io\\/acme\\u002Fapi:1.0.0"\nb: "\\U0001F680 \\u65E5"\n'
    assert bump(before, TAG).text() == before.replace("1.0.0", "2.0.0")


# keys under which a reference with a slash stands; for one word only those marked
KEYS = {
    "image": ("image: {}\n", True),
    "ends in Image": ("sidecarImage: {}\n", True),
    "ends in image": ("base-image: {}\n", True),
    "ends in _IMAGE": ("API_IMAGE: {}\n", True),
    "variable by name and value": ("env:\n- name: API_IMAGE\n  value: {}\n", True),
    "parameter by name and value": ("parameters:\n- name: image\n  value: {}\n", True),
    "JSON patch": ("- op: replace\n  path: /spec/template/spec/containers/0/image\n  value: {}\n", True),
    "image volume": ("volumes:\n- name: v\n  image:\n    reference: {}\n", True),
    "Argo CD override": ("kustomize:\n  images:\n  - {}\n", True),
    "Argo CD override with a name": ("kustomize:\n  images:\n  - api={}\n", True),
    "host": ("host: {}\n", False),
    "item": ("args:\n- {}\n", False),
    "reference elsewhere": ("ref:\n  reference: {}\n", False),
    "variable of another name": ("env:\n- name: REDIS_HOST\n  value: {}\n", False),
    "JSON patch of another field": ("- op: add\n  path: /spec/host\n  value: {}\n", False),
    "images as a list": ("images:\n- {}\n", False),
    "imageName": ("imageName: {}\n", False),
    "IMAGE without an underscore": ("APIIMAGE: {}\n", False),
}


@pytest.mark.parametrize(("text", "image"), KEYS.values(), ids=KEYS)
def test_a_key_matters_only_for_one_word(text: str, image: bool) -> None:
    assert bump(text.format(f"{API}:1.0.0"), TAG).text() == text.format(f"{API}:2.0.0")
    assert bump(text.format("redis:6"), "redis:7").text() == text.format("redis:7" if image else "redis:6")


FORMS_OF_ONE_IMAGE = ["nginx", "library/nginx", "docker.io/nginx", "docker.io/library/nginx", "index.docker.io/nginx"]


@pytest.mark.parametrize("written", FORMS_OF_ONE_IMAGE)
@pytest.mark.parametrize("given", FORMS_OF_ONE_IMAGE)
def test_docker_hub_is_compared_in_all_its_forms_and_stays_as_written(given: str, written: str) -> None:
    assert bump(f"image: {written}:1.26-alpine\n", f"{given}:1.27-alpine").text() == f"image: {written}:1.27-alpine\n"


LOOK_ALIKE = [
    "ghcr.io/acme/api2:1.0.0",
    "ghcr.io/acme/api-server:1.0.0",
    "ghcr.io/acme/api/server:1.0.0",
    "ghcr.io/acme/my-api:1.0.0",
    "ghcr.io/acme-x/api:1.0.0",
    "ghcr.io/x/acme/api:1.0.0",
    "xghcr.io/acme/api:1.0.0",
    "x.ghcr.io/acme/api:1.0.0",
    "ghcr.io.evil.example/acme/api:1.0.0",
    "ghcr.io:5000/acme/api:1.0.0",
    "localhost:5000/acme/api:1.0.0",
    "docker.io/acme/api:1.0.0",
    "acme/api:1.0.0",
    "GHCR.io/acme/api:1.0.0",
    "mirror.example/ghcr.io/acme/api:1.0.0",
]


@pytest.mark.parametrize("image", LOOK_ALIKE)
def test_another_image_is_left_alone(image: str) -> None:
    bumped = bump(f"image: {image}\n", TAG)
    assert (bumped.text(), bumped.plan.images[0].occurrences) == (f"image: {image}\n", 0)


def test_the_port_counts() -> None:
    text = "a: localhost:5000/api:1.0.0\nb: localhost:5001/api:1.0.0\nc: localhost/api:1.0.0\n"
    assert bump(text, "localhost:5000/api:2.0.0").text() == text.replace("1.0.0", "2.0.0", 1)


# scalars that hold the name and are left alone: the text, the reason
LEFT_ALONE = {
    "prose": ("description: runs ghcr.io/acme/api:1.0.0 here\n", "prose, not a reference"),
    "argument": ("args: ['--image=ghcr.io/acme/api:1.0.0']\n", "part of another word, not a reference"),
    "address": ("url: https://ghcr.io/acme/api:1.0.0\n", "part of another word, not a reference"),
    "transport": ("image: docker://ghcr.io/acme/api:1.0.0\n", "part of another word, not a reference"),
    "path": ("image: ghcr.io/acme/api:1.0.0/x\n", "part of another word, not a reference"),
    "invalid tag": ("image: ghcr.io/acme/api:-1\n", "part of another word, not a reference"),
    "invalid digest": ("image: ghcr.io/acme/api@sha256:12\n", "part of another word, not a reference"),
    "upper case": ("image: ghcr.io/acme/API/acme/api:1\n", "part of another word, not a reference"),
    "variable as tag": ("image: ghcr.io/acme/api:${TAG}\n", "built from a variable"),
    "variable of make": ("image: ghcr.io/acme/api:$(TAG)\n", "built from a variable"),
    "variable before": ("image: $REGISTRY/acme/api:1.0.0\n", "built from a variable"),
    "template": ("image: 'ghcr.io/acme/api:{{ .Values.tag }}'\n", "built from a variable"),
    "placeholder": ("image: ghcr.io/acme/api:<tag>\n", "built from a variable"),
    "key": ("ghcr.io/acme/api:1.0.0: x\n", "a key, not a value"),
    "definition": (
        "kind: CustomResourceDefinition\nspec:\n  image: ghcr.io/acme/api:1.0.0\n",
        "inside a CustomResourceDefinition, which defines and does not deploy",
    ),
    "over lines": ('image: "ghcr.io/acme/api\\\n  :1.0.0"\n', "written in a way that is not changed in place"),
}


@pytest.mark.parametrize(("text", "reason"), LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_what_only_holds_the_name_is_left_alone_and_explained(text: str, reason: str) -> None:
    bumped = bump(text, TAG)
    assert bumped.text() == text
    assert [each.partition(": ")[2] for each in bumped.reasons] == [reason]


def test_text_in_a_block_is_left_alone() -> None:
    text = "data:\n  notes: |\n    image: ghcr.io/acme/api:1.0.0\n    more\n  one: ghcr.io/acme/api:1.0.0\n"
    assert bump(text, TAG).text() == text.replace("one: ghcr.io/acme/api:1.0.0", f"one: {TAG}")


# names without a version: the text, whether they get one
UNTAGGED = {
    "container": ("kind: Deployment\nspec:\n  containers:\n  - image: {}\n", True),
    "custom resource": ("kind: Prometheus\nspec:\n  image: {}\n", True),
    "patch without a kind": ("spec:\n  template:\n    spec:\n      containers:\n      - image: {}\n", True),
    "compose": ("services:\n  api:\n    image: {}\n", True),
    "JSON patch": ("- op: replace\n  path: /spec/containers/0/image\n  value: {}\n", True),
    "image volume": ("kind: Pod\nspec:\n  volumes:\n  - image:\n      reference: {}\n", True),
    "list": ("kind: List\nitems:\n- kind: Pod\n  spec:\n    containers:\n    - image: {}\n", True),
    "values": ("image: {}\n", False),
    "values, deeper": ("api:\n  image: {}\n", False),
    "a key that ends in Image": ("kind: X\nspec:\n  baseImage: {}\n", False),
    "variable": ("kind: Pod\nspec:\n  containers:\n  - env:\n    - name: API_IMAGE\n      value: {}\n", False),
    "config map": ("kind: ConfigMap\ndata:\n  image: {}\n", False),
    "secret": ("kind: Secret\nstringData:\n  image: {}\n", False),
    "repository to scan": ("kind: ImageRepository\nspec:\n  image: {}\n", False),
    "another key": ("kind: X\nspec:\n  source: {}\n", False),
}


@pytest.mark.parametrize(("text", "gets"), UNTAGGED.values(), ids=UNTAGGED)
def test_a_name_without_a_version_gets_one_where_a_container_runs_it(text: str, gets: bool) -> None:
    bumped = bump(text.format(API), TAG)
    assert bumped.text() == text.format(TAG if gets else API)
    if not gets:
        assert [each.partition(": ")[2] for each in bumped.reasons] == ["names the repository without a version"]


def test_line_and_column_count_characters_from_one() -> None:
    text = "\u65e5: 1 # \U0001f680\n\u30ad: [\U0001f680, 'ghcr.io/acme/api:1.0.0']\n"
    assert bump("\ufeff" + text, TAG).changes == [("a.yaml", 2, 8, f"{API}:1.0.0", TAG)]


def test_a_line_break_in_a_block_is_not_part_of_the_reference() -> None:
    assert bump("image: |\n  ghcr.io/acme/api:1.0.0\n", TAG).changes == [("a.yaml", 1, 8, f"{API}:1.0.0", TAG)]


@pytest.mark.parametrize("tag", ["10", "1_0", "10.5"])
def test_a_reference_that_yaml_would_read_as_a_time_is_quoted(tag: str) -> None:
    assert bump("image: 12:x\n", f"12:{tag}").text() == f'image: "12:{tag}"\n'


@pytest.mark.parametrize("path", ["a.yaml", "a.yml", "a.json", "x/a.yaml", "a.yaml.tpl", "a.gotmpl", "a.j2", "a.tmpl"])
def test_these_files_are_read(path: str) -> None:
    text = '{"image": "ghcr.io/acme/api:1.0.0"}'
    assert bump({path: text}, TAG).text(path) == text.replace("1.0.0", "2.0.0")


@pytest.mark.parametrize("path", ["a.txt", "a.md", "yaml", "a.yaml.bak", "Dockerfile", ".env", "a.tf", ".yamlx"])
def test_other_files_are_not_read(path: str) -> None:
    bumped = bump({path: "image: ghcr.io/acme/api:1.0.0\n"}, TAG)
    assert (bumped.plan.images[0].occurrences, bumped.reasons) == (0, [])


@pytest.mark.parametrize("path", [".github/workflows/a.yaml", ".gitlab/x.yml", ".git/a.yaml", ".github/a.json"])
def test_files_of_the_forge_are_left_alone(path: str) -> None:
    bumped = bump({path: '{"image": "ghcr.io/acme/api:1.0.0"}'}, TAG)
    assert bumped.reasons == [f"{path}:1:1: belongs to the forge or to git, not to the environment"]
