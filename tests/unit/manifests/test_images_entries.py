"""Entries of kustomize's `images:` in all their forms: what is set, inserted, removed, and what stays where it is."""

from __future__ import annotations

import pytest

from tests.support.trees import bump

API = "ghcr.io/acme/api"
OLD = "sha256:" + "0" * 63 + "1"
NEW = "sha256:" + "0" * 63 + "2"
TAG, DIGEST, BOTH = f"{API}:2.0.0", f"{API}@{NEW}", f"{API}:2.0.0@{NEW}"


def kustomization(entry: str) -> str:
    return f"resources:\n- base # all\nimages:\n{entry}"


# what is given, the entry before, the entry after
ENTRIES = {
    "tag: set": (TAG, "- name: {api}\n  newTag: 1.0.0\n", "- name: {api}\n  newTag: 2.0.0\n"),
    "tag: existing quotes are kept": (TAG, "- name: {api}\n  newTag: '1.0'\n", "- name: {api}\n  newTag: '2.0.0'\n"),
    "tag: quoted where a reader needs it": (
        f"{API}:1.10",
        "- name: {api}\n  newTag: v1.9\n",
        '- name: {api}\n  newTag: "1.10"\n',
    ),
    "tag: inserted behind the name": (TAG, "- name: {api}\n", "- name: {api}\n  newTag: 2.0.0\n"),
    "tag: inserted behind the last of the names": (
        TAG,
        "- name: api\n  newName: {api} # moved\n- name: other\n",
        "- name: api\n  newName: {api} # moved\n  newTag: 2.0.0\n- name: other\n",
    ),
    "tag: inserted behind the last of the names, in the other order": (
        TAG,
        "- newName: {api}\n  name: api\n",
        "- newName: {api}\n  name: api\n  newTag: 2.0.0\n",
    ),
    "tag: inserted at the end without a line break": (TAG, "- name: {api}", "- name: {api}\n  newTag: 2.0.0"),
    "tag: inserted with the indentation of the list": (
        TAG,
        "    -   name: {api}   # here\n",
        "    -   name: {api}   # here\n        newTag: 2.0.0\n",
    ),
    "tag: inserted where the dash stands alone": (
        TAG,
        "-\n  # the api\n  name: {api}\n",
        "-\n  # the api\n  name: {api}\n  newTag: 2.0.0\n",
    ),
    "tag: inserted with the quotes of the key": (
        TAG,
        '- "name": "{api}"\n',
        '- "name": "{api}"\n  "newTag": 2.0.0\n',
    ),
    "tag: inserted with Windows line ends": (TAG, "- name: {api}\r\n", "- name: {api}\r\n  newTag: 2.0.0\r\n"),
    "tag: inserted in a flow mapping": (TAG, "- {{name: {api}}}\n", "- {{name: {api}, newTag: 2.0.0}}\n"),
    "tag: inserted in a flow mapping over lines": (
        TAG,
        '- {{\n    "name": "{api}"\n  }}\n',
        '- {{\n    "name": "{api}",\n    "newTag": 2.0.0\n  }}\n',
    ),
    "tag: empty value filled": (TAG, "- name: {api}\n  newTag:\n", "- name: {api}\n  newTag: 2.0.0\n"),
    "tag: empty string filled": (TAG, '- name: {api}\n  newTag: ""\n', '- name: {api}\n  newTag: "2.0.0"\n'),
    "tag: an empty digest stays": (
        TAG,
        '- name: {api}\n  digest: ""\n',
        '- name: {api}\n  newTag: 2.0.0\n  digest: ""\n',
    ),
    "tag: the digest gives way on its line": (
        TAG,
        "- name: {api}\n  digest: {old} # pinned\n",
        "- name: {api}\n  newTag: 2.0.0 # pinned\n",
    ),
    "tag: the digest gives way on its line, before the name": (
        TAG,
        "- digest: {old}\n  # comment\n  name: {api}\n",
        "- newTag: 2.0.0\n  # comment\n  name: {api}\n",
    ),
    "tag: the digest gives way, quotes and blanks are kept": (
        TAG,
        "- name: {api}\n  \"digest\":   '{old}'\n",
        "- name: {api}\n  \"newTag\":   '2.0.0'\n",
    ),
    "tag: the digest gives way, a comment between is kept": (
        TAG,
        "- name: {api}\n  digest: # why\n    {old}\n",
        "- name: {api}\n  newTag: # why\n    2.0.0\n",
    ),
    "tag: the digest gives way, its anchor is kept": (
        TAG,
        "- name: {api}\n  digest: &d !!str {old}\n",
        "- name: {api}\n  newTag: &d !!str 2.0.0\n",
    ),
    "tag: the digest gives way in a flow mapping": (
        TAG,
        '- {{digest: "{old}", name: {api}}}\n',
        '- {{newTag: "2.0.0", name: {api}}}\n',
    ),
    "tag: digest dropped with its line": (
        TAG,
        "- name: {api}\n  newTag: 1.0.0\n  digest: {old}\n- name: other\n",
        "- name: {api}\n  newTag: 2.0.0\n- name: other\n",
    ),
    "tag: digest dropped, first key of the entry": (
        TAG,
        "- digest: {old}\n  name: {api}\n  newTag: 1.0.0\n",
        "- name: {api}\n  newTag: 2.0.0\n",
    ),
    "tag: digest dropped between the names": (
        TAG,
        "- name: api\n  digest: {old}\n  newName: {api}\n  newTag: 1.0.0\n",
        "- name: api\n  newName: {api}\n  newTag: 2.0.0\n",
    ),
    "tag: digest dropped at the end without a line break": (
        TAG,
        "- name: {api}\n  newTag: 1.0.0\n  digest: {old}",
        "- name: {api}\n  newTag: 2.0.0",
    ),
    "tag: digest dropped at the end with Windows line ends": (
        TAG,
        "- name: {api}\r\n  newTag: 1.0.0\r\n  digest: {old}",
        "- name: {api}\r\n  newTag: 2.0.0",
    ),
    "tag: digest dropped with Windows line ends": (
        TAG,
        "- name: {api}\r\n  newTag: 1.0.0\r\n  digest: {old}\r\n",
        "- name: {api}\r\n  newTag: 2.0.0\r\n",
    ),
    "tag: digest emptied where a comment stands beside it": (
        TAG,
        "- name: {api}\n  newTag: 1.0.0\n  digest: {old} # pinned\n",
        '- name: {api}\n  newTag: 2.0.0\n  digest: "" # pinned\n',
    ),
    "tag: digest emptied where a comment stands below it": (
        TAG,
        "- digest: '{old}'\n  # the api\n  name: {api}\n  newTag: 1.0.0\n",
        "- digest: ''\n  # the api\n  name: {api}\n  newTag: 2.0.0\n",
    ),
    "tag: digest emptied where it has an anchor": (
        TAG,
        "- name: {api}\n  newTag: 1.0.0\n  digest: &d {old}\nx: *d\n",
        '- name: {api}\n  newTag: 2.0.0\n  digest: &d ""\nx: *d\n',
    ),
    "tag: digest dropped from a flow mapping": (
        TAG,
        "- {{name: {api}, newTag: 1.0.0, digest: {old}}}\n",
        "- {{name: {api}, newTag: 2.0.0}}\n",
    ),
    "tag: digest dropped from a flow mapping, first": (
        TAG,
        "- {{ digest: {old}, name: {api}, newTag: 1.0.0 }}\n",
        "- {{ name: {api}, newTag: 2.0.0 }}\n",
    ),
    "tag: digest emptied where a comment stands in a flow mapping": (
        TAG,
        "- {{name: {api}, newTag: 1.0.0, # keep\n   digest: {old}}}\n",
        '- {{name: {api}, newTag: 2.0.0, # keep\n   digest: ""}}\n',
    ),
    "digest: set, the tag stays": (
        DIGEST,
        "- name: {api}\n  newTag: 1.0.0\n  digest: {old}\n",
        "- name: {api}\n  newTag: 1.0.0\n  digest: {new}\n",
    ),
    "digest: inserted behind the tag": (
        DIGEST,
        "- name: {api}\n  newTag: 1.0.0 # t\n- name: x\n",
        "- name: {api}\n  newTag: 1.0.0 # t\n  digest: {new}\n- name: x\n",
    ),
    "digest: inserted behind the name": (DIGEST, "- name: {api}\n", "- name: {api}\n  digest: {new}\n"),
    "both: set": (
        BOTH,
        "- digest: {old}\n  name: {api}\n  newTag: 1.0.0\n",
        "- digest: {new}\n  name: {api}\n  newTag: 2.0.0\n",
    ),
    "both: the digest inserted behind the tag that changes": (
        BOTH,
        "- name: {api}\n  newTag: 1.0.0\n",
        "- name: {api}\n  newTag: 2.0.0\n  digest: {new}\n",
    ),
    "both: the digest inserted behind an empty tag": (
        BOTH,
        "- name: {api}\n  newTag:\n",
        "- name: {api}\n  newTag: 2.0.0\n  digest: {new}\n",
    ),
    "both: the digest inserted in a flow mapping": (
        BOTH,
        "- {{name: {api}, newTag: 1.0.0}}\n",
        "- {{name: {api}, newTag: 2.0.0, digest: {new}}}\n",
    ),
    "both: the tag inserted": (
        BOTH,
        "- name: {api}\n  digest: {old}\n",
        "- name: {api}\n  newTag: 2.0.0\n  digest: {new}\n",
    ),
    "both: both inserted": (BOTH, "- name: {api}\n", "- name: {api}\n  newTag: 2.0.0\n  digest: {new}\n"),
}


@pytest.mark.parametrize(("reference", "before", "after"), ENTRIES.values(), ids=ENTRIES)
def test_an_entry_gets_the_version_and_keeps_the_rest(reference: str, before: str, after: str) -> None:
    words = {"api": API, "old": OLD, "new": NEW}
    bumped = bump({"kustomization.yaml": kustomization(before.format(**words))}, reference)
    assert bumped.text("kustomization.yaml") == kustomization(after.format(**words))


# entries that are not changed: the entry, the reason where one is told
UNCHANGED = {
    "another name": ("- name: ghcr.io/acme/api2\n  newTag: 1.0.0\n", None),
    "a name behind the wanted one": ("- name: ghcr.io/acme/api/web\n  newTag: 1.0.0\n", None),
    "another registry": ("- name: quay.io/acme/api\n  newTag: 1.0.0\n", None),
    "renamed to another image": (
        "- name: ghcr.io/acme/api\n  newName: ghcr.io/acme/web\n  newTag: 1.0.0\n",
        "kustomize renames it to ghcr.io/acme/web",
    ),
    "name with a tag is no name": (
        "- name: ghcr.io/acme/api:1.0.0\n  newTag: 1.0.0\n",
        "not the name of a repository",
    ),
    "already as wanted": ("- name: ghcr.io/acme/api\n  newTag: 2.0.0\n", "already as wanted"),
    "tag by an alias": (
        "- name: ghcr.io/acme/api\n  newTag: *v\n",
        "the version of this entry is not a plain scalar",
    ),
    "tag in a block scalar": (
        "- name: ghcr.io/acme/api\n  newTag: |-\n    1.0.0\n",
        "the version of this entry is not a plain scalar",
    ),
    "explicit keys, nothing to set": (
        "- ? name\n  : ghcr.io/acme/api\n",
        "written in a way that is not changed in place",
    ),
}


@pytest.mark.parametrize(("entry", "reason"), UNCHANGED.values(), ids=UNCHANGED)
def test_an_entry_is_left_alone(entry: str, reason: str | None) -> None:
    text = f"x: &v 1.0.0\nimages:\n{entry}"
    bumped = bump({"kustomization.yaml": text}, TAG)
    assert bumped.text("kustomization.yaml") == text
    if reason is not None:
        assert reason in [each.partition(": ")[2] for each in bumped.reasons]


# which lists named `images` are kustomize's: the file, the text, whether it is changed
HOLDERS = {
    "kustomization.yaml": ("kustomization.yaml", "images:\n- name: {api}\n", True),
    "kustomization.yml": ("a/kustomization.yml", "images:\n- name: {api}\n", True),
    "Kustomization without an extension": ("Kustomization", "images:\n- name: {api}\n", True),
    "kind Kustomization in any file": ("k.yaml", "kind: Kustomization\nimages:\n- name: {api}\n", True),
    "kind Component": ("c.yaml", "kind: Component\nimages:\n- name: {api}\n", True),
    "Flux Kustomization": ("f.yaml", "kind: Kustomization\nspec:\n  images:\n  - name: {api}\n", True),
    "Flux post-renderer": (
        "h.yaml",
        "kind: HelmRelease\nspec:\n  postRenderers:\n  - kustomize:\n      images:\n      - name: {api}\n",
        True,
    ),
    "another file without a kind": ("a.yaml", "images:\n- name: {api}\n", False),
    "another kind in a file of that name": ("kustomization.yaml", "kind: X\nimages:\n- name: {api}\n", False),
    "spec.images of another kind": ("f.yaml", "kind: Preload\nspec:\n  images:\n  - name: {api}\n", False),
    "deeper in a Kustomization": ("kustomization.yaml", "x:\n  images:\n  - name: {api}\n", False),
    "a mapping named images": ("kustomization.yaml", "images:\n  name: {api}\n", False),
    "another list": ("kustomization.yaml", "labels:\n- name: {api}\n", False),
    "replicas of the same name": ("kustomization.yaml", "replicas:\n- name: {api}\n  count: 2\n", False),
}


@pytest.mark.parametrize(("path", "text", "changed"), HOLDERS.values(), ids=HOLDERS)
def test_only_the_lists_of_kustomize_are_meant(path: str, text: str, changed: bool) -> None:
    before = text.format(api=API)
    after = bump({path: before}, TAG).text(path)
    line = before.splitlines()[-1]
    indent = " " * (len(line) - len(line.lstrip(" -")))
    assert after == (f"{before}{indent}newTag: 2.0.0\n" if changed else before)


def test_the_name_of_docker_hub_is_compared_in_all_its_forms() -> None:
    names = ["docker.io/nginx", "nginx", "library/nginx", "index.docker.io/library/nginx"]
    text = "images:\n" + "".join(f"- name: {name}\n" for name in names)
    bumped = bump({"kustomization.yaml": text}, "nginx:1.27-alpine")
    assert bumped.text("kustomization.yaml").count("  newTag: 1.27-alpine\n") == 4
