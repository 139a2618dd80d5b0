"""Helm values: which tag and digest belong to a repository, through anchors, aliases and merge keys too."""

from __future__ import annotations

import pytest

from tests.support.trees import bump

API = "ghcr.io/acme/api"
OLD = "sha256:" + "0" * 63 + "1"
NEW = "sha256:" + "0" * 63 + "2"
TAG, DIGEST, BOTH = f"{API}:2.0.0", f"{API}@{NEW}", f"{API}:2.0.0@{NEW}"

# what is given, the values before, the values after
FORMS = {
    "repository and tag": (TAG, "repository: {api}\ntag: 1.0.0\n", "repository: {api}\ntag: 2.0.0\n"),
    "tag before repository": (TAG, "tag: 1.0.0\nrepository: {api}\n", "tag: 2.0.0\nrepository: {api}\n"),
    "image and tag": (TAG, "image: {api}\ntag: 1.0.0\n", "image: {api}\ntag: 2.0.0\n"),
    "imageTag": (TAG, "image: {api}\nimageTag: 1.0.0\n", "image: {api}\nimageTag: 2.0.0\n"),
    "registry apart": (
        TAG,
        "registry: ghcr.io\nrepository: acme/api\ntag: 1.0.0\n",
        "registry: ghcr.io\nrepository: acme/api\ntag: 2.0.0\n",
    ),
    "registry with the project": (
        TAG,
        "registry: ghcr.io/acme\nrepository: api\ntag: 1.0.0\n",
        "registry: ghcr.io/acme\nrepository: api\ntag: 2.0.0\n",
    ),
    "registry with the project, quotes": (
        TAG,
        "registry: 'ghcr.io/acme'\nrepository: api\ntag: 1.0.0\n",
        "registry: 'ghcr.io/acme'\nrepository: api\ntag: 2.0.0\n",
    ),
    "registry with the project, as JSON": (
        TAG,
        '{{"registry": "ghcr.io/acme", "repository": "api", "tag": "1.0.0"}}\n',
        '{{"registry": "ghcr.io/acme", "repository": "api", "tag": "2.0.0"}}\n',
    ),
    "registry written twice": (
        TAG,
        "registry: ghcr.io\nrepository: {api}\ntag: 1.0.0\n",
        "registry: ghcr.io\nrepository: {api}\ntag: 2.0.0\n",
    ),
    "registry empty": (
        TAG,
        'registry: ""\nrepository: {api}\ntag: 1.0.0\n',
        'registry: ""\nrepository: {api}\ntag: 2.0.0\n',
    ),
    "registry null": (
        TAG,
        "registry: ~\nrepository: {api}\ntag: 1.0.0\n",
        "registry: ~\nrepository: {api}\ntag: 2.0.0\n",
    ),
    "prefix in camel case": (
        TAG,
        "apiRepository: {api}\napiTag: 1.0.0\nwebTag: 1.0.0\n",
        "apiRepository: {api}\napiTag: 2.0.0\nwebTag: 1.0.0\n",
    ),
    "prefix and ImageTag": (
        TAG,
        "apiImage: {api}\napiImageTag: 1.0.0\n",
        "apiImage: {api}\napiImageTag: 2.0.0\n",
    ),
    "prefix with a dot": (
        TAG,
        "image.repository: {api}\nimage.tag: 1.0.0\n",
        "image.repository: {api}\nimage.tag: 2.0.0\n",
    ),
    "prefix with an underscore": (
        TAG,
        "image_repository: {api}\nimage_tag: 1.0.0\n",
        "image_repository: {api}\nimage_tag: 2.0.0\n",
    ),
    "tag given: digest emptied": (
        TAG,
        "repository: {api}\ntag: 1.0.0\ndigest: {old}\n",
        'repository: {api}\ntag: 2.0.0\ndigest: ""\n',
    ),
    "tag given: digest emptied, quotes kept": (
        TAG,
        "repository: {api}\ndigest: '{old}' # pin\ntag: '1.0.0'\n",
        "repository: {api}\ndigest: '' # pin\ntag: '2.0.0'\n",
    ),
    "tag given: empty digest stays": (
        TAG,
        'repository: {api}\ntag: 1.0.0\ndigest: ""\n',
        'repository: {api}\ntag: 2.0.0\ndigest: ""\n',
    ),
    "tag given: TAG@DIGEST becomes the tag": (
        TAG,
        "repository: {api}\ntag: 1.0.0@{old}\n",
        "repository: {api}\ntag: 2.0.0\n",
    ),
    "tag given: TAG@DIGEST and a digest": (
        TAG,
        "repository: {api}\ntag: 1.0.0@{old}\ndigest: {old}\n",
        'repository: {api}\ntag: 2.0.0\ndigest: ""\n',
    ),
    "digest given: set, the tag stays": (
        DIGEST,
        "repository: {api}\ntag: 1.0.0\ndigest: {old}\n",
        "repository: {api}\ntag: 1.0.0\ndigest: {new}\n",
    ),
    "digest given: into TAG@DIGEST": (
        DIGEST,
        'repository: {api}\ntag: "1.0.0@{old}"\n',
        'repository: {api}\ntag: "1.0.0@{new}"\n',
    ),
    "digest given: a digest alone": (
        DIGEST,
        "repository: {api}\ndigest: {old}\n",
        "repository: {api}\ndigest: {new}\n",
    ),
    "digest given: TAG@DIGEST and a digest agree afterwards": (
        DIGEST,
        "repository: {api}\ntag: 1.0.0@{old}\ndigest: {old}\n",
        "repository: {api}\ntag: 1.0.0\ndigest: {new}\n",
    ),
    "both given: tag and digest": (
        BOTH,
        "repository: {api}\ntag: 1.0.0\ndigest: {old}\n",
        "repository: {api}\ntag: 2.0.0\ndigest: {new}\n",
    ),
    "both given: an empty digest is filled": (
        BOTH,
        'repository: {api}\ntag: 1.0.0\ndigest: ""\n',
        'repository: {api}\ntag: 2.0.0\ndigest: "{new}"\n',
    ),
    "both given: TAG@DIGEST": (
        BOTH,
        "repository: {api}\ntag: 1.0.0@{old}\n",
        "repository: {api}\ntag: 2.0.0@{new}\n",
    ),
    "both given: a digest alone": (
        BOTH,
        "repository: {api}\ndigest: {old}\n",
        "repository: {api}\ndigest: {new}\n",
    ),
    "both given: no key for the digest": (
        BOTH,
        "repository: {api}\ntag: 1.0.0\n",
        "repository: {api}\ntag: 2.0.0\n",
    ),
    "quoted since a reader would see a number": (
        f"{API}:1.10",
        "repository: {api}\ntag: 1.9\n",
        'repository: {api}\ntag: "1.10"\n',
    ),
    "two mappings of one repository": (
        TAG,
        "a: {{repository: {api}, tag: 1.0.0}}\nb: {{repository: {api}, tag: 1.5.0}}\n",
        "a: {{repository: {api}, tag: 2.0.0}}\nb: {{repository: {api}, tag: 2.0.0}}\n",
    ),
    "image and repository agree": (
        TAG,
        "image: {api}\nrepository: {api}\ntag: 1.0.0\n",
        "image: {api}\nrepository: {api}\ntag: 2.0.0\n",
    ),
    "repository is the address of the source code": (
        TAG,
        "image: {api}\nrepository: https://github.com/acme/api\ntag: 1.0.0\n",
        "image: {api}\nrepository: https://github.com/acme/api\ntag: 2.0.0\n",
    ),
    "merge: the tag of the anchor and its own": (
        TAG,
        "a: &i\n  repository: {api}\n  tag: 1.0.0\nb:\n  <<: *i\n  tag: 1.0.0\nc:\n  <<: *i\n",
        "a: &i\n  repository: {api}\n  tag: 2.0.0\nb:\n  <<: *i\n  tag: 2.0.0\nc:\n  <<: *i\n",
    ),
    "merge: a list of anchors": (
        TAG,
        "a: &i {{repository: {api}}}\nr: &r {{x: 1}}\nb:\n  <<: [*r, *i]\n  tag: 1.0.0\n",
        "a: &i {{repository: {api}}}\nr: &r {{x: 1}}\nb:\n  <<: [*r, *i]\n  tag: 2.0.0\n",
    ),
    "merge: of a merge": (
        TAG,
        "a: &i {{repository: {api}}}\nb: &j\n  <<: *i\n  x: 1\nc:\n  <<: *j\n  tag: 1.0.0\n",
        "a: &i {{repository: {api}}}\nb: &j\n  <<: *i\n  x: 1\nc:\n  <<: *j\n  tag: 2.0.0\n",
    ),
    "merge: the registry": (
        TAG,
        "d: &d\n  registry: ghcr.io\na:\n  <<: *d\n  repository: acme/api\n  tag: 1.0.0\n",
        "d: &d\n  registry: ghcr.io\na:\n  <<: *d\n  repository: acme/api\n  tag: 2.0.0\n",
    ),
    "merge: another registry on top": (
        TAG,
        (
            "d: &d\n  registry: quay.io\n  repository: acme/api\n  tag: 1.0.0\n"
            "a:\n  <<: *d\n  registry: ghcr.io\n  tag: 1.0.0\n"
        ),
        (
            "d: &d\n  registry: quay.io\n  repository: acme/api\n  tag: 1.0.0\n"
            "a:\n  <<: *d\n  registry: ghcr.io\n  tag: 2.0.0\n"
        ),
    ),
    "alias: the registry": (
        TAG,
        "r: &r ghcr.io\na:\n  registry: *r\n  repository: acme/api\n  tag: 1.0.0\n",
        "r: &r ghcr.io\na:\n  registry: *r\n  repository: acme/api\n  tag: 2.0.0\n",
    ),
    "alias: the repository": (
        TAG,
        "r: &r {api}\na:\n  repository: *r\n  tag: 1.0.0\n",
        "r: &r {api}\na:\n  repository: *r\n  tag: 2.0.0\n",
    ),
    "alias: the tag": (
        TAG,
        "v: &v 1.0.0\na:\n  repository: {api}\n  tag: *v\nb:\n  repository: {api}\n  tag: *v\n",
        "v: &v 2.0.0\na:\n  repository: {api}\n  tag: *v\nb:\n  repository: {api}\n  tag: *v\n",
    ),
    "alias: the tag, anchored at the first image": (
        TAG,
        "a:\n  repository: {api}\n  tag: &v 1.0.0\nb:\n  repository: {api}\n  tag: *v\n",
        "a:\n  repository: {api}\n  tag: &v 2.0.0\nb:\n  repository: {api}\n  tag: *v\n",
    ),
    "alias: one name for two anchors": (
        TAG,
        (
            "a: &i\n  repository: {api}\n  tag: 1.0.0\nb: &i\n  repository: ghcr.io/acme/web\n  tag: 1.0.0\n"
            "c:\n  <<: *i\n  tag: 1.0.0\n"
        ),
        (
            "a: &i\n  repository: {api}\n  tag: 2.0.0\nb: &i\n  repository: ghcr.io/acme/web\n  tag: 1.0.0\n"
            "c:\n  <<: *i\n  tag: 1.0.0\n"
        ),
    ),
}


@pytest.mark.parametrize(("reference", "before", "after"), FORMS.values(), ids=FORMS)
def test_the_version_beside_the_repository_changes(reference: str, before: str, after: str) -> None:
    words = {"api": API, "old": OLD, "new": NEW}
    assert bump({"values.yaml": before.format(**words)}, reference).text("values.yaml") == after.format(**words)


# values that are not changed by `api:2.0.0`: the text, the reason where one is told
UNCHANGED = {
    "another repository": ("repository: ghcr.io/acme/web\ntag: 1.0.0\n", None),
    "a longer name": (
        "repository: ghcr.io/acme/api-server\ntag: 1.0.0\n",
        "another repository: ghcr.io/acme/api-server",
    ),
    "a deeper name": (
        "repository: ghcr.io/acme/api/worker\ntag: 1.0.0\n",
        "another repository: ghcr.io/acme/api/worker",
    ),
    "another registry": ("repository: quay.io/acme/api\ntag: 1.0.0\n", "another repository: quay.io/acme/api"),
    "another port": ("repository: ghcr.io:5000/acme/api\ntag: 1.0.0\n", "another repository: ghcr.io:5000/acme/api"),
    "Docker Hub": ("repository: acme/api\ntag: 1.0.0\n", "another repository: acme/api"),
    "another registry apart": (
        "registry: quay.io\nrepository: acme/api\ntag: 1.0.0\n",
        "another repository: quay.io/acme/api",
    ),
    "another registry with the project": (
        "registry: ghcr.io/acme/test\nrepository: api\ntag: 1.0.0\n",
        "another repository: ghcr.io/acme/test/api",
    ),
    "registry from a template": (
        'registry: "{{ .Values.global.registry }}"\nrepository: ghcr.io/acme/api\ntag: 1.0.0\n',
        "built from a variable",
    ),
    "registry from a variable": ("registry: ${REGISTRY}\nrepository: acme/api\ntag: 1.0.0\n", "built from a variable"),
    "tag from a variable": ("repository: ghcr.io/acme/api\ntag: ${TAG}\n", "built from a variable"),
    "tag is a mapping": (
        "repository: ghcr.io/acme/api\ntag: {major: 1}\n",
        "the version beside the repository is not a scalar",
    ),
    "tag of another prefix": (
        "apiRepository: ghcr.io/acme/api\nwebTag: 1.0.0\n",
        "names the repository without a version",
    ),
    "no version": ("repository: ghcr.io/acme/api\npullPolicy: Always\n", "names the repository without a version"),
    "tag one level up": (
        "tag: 1.0.0\nimage:\n  repository: ghcr.io/acme/api\n",
        "names the repository without a version",
    ),
    "merge: a repository of its own": (
        "a: &i {repository: ghcr.io/acme/api}\nb:\n  <<: *i\n  repository: ghcr.io/acme/web\n  tag: 1.0.0\n",
        "names the repository without a version",
    ),
    "merge: the first of two repositories": (
        "i: &i {image: ghcr.io/acme/api}\nw: &w {image: ghcr.io/acme/web}\nb:\n  <<: [*w, *i]\n  tag: 1.0.0\n",
        "names the repository without a version",
    ),
    "alias: the tag is that of another image too": (
        "v: &v 1.0.0\na: {repository: ghcr.io/acme/api, tag: *v}\nb: {repository: ghcr.io/acme/web, tag: *v}\n",
        "its anchor is the version of ghcr.io/acme/web too; bump both, or give each a version of its own",
    ),
    "alias: the tag stands for something else too": (
        "v: &v 1.0.0\na: {repository: ghcr.io/acme/api, tag: *v}\nlabels: {version: *v}\n",
        "its anchor &v stands for other things too",
    ),
    "alias: the tag at the image is that of another image too": (
        "a: {repository: ghcr.io/acme/api, tag: &v 1.0.0}\nb: {repository: ghcr.io/acme/web, tag: *v}\n",
        "its anchor is the version of ghcr.io/acme/web too; bump both, or give each a version of its own",
    ),
    "image and repository differ": (
        "repository: ghcr.io/acme\nimage: ghcr.io/acme/api\ntag: 1.0.0\n",
        "`image` and `repository` beside one version name different images",
    ),
}


@pytest.mark.parametrize(("text", "reason"), UNCHANGED.values(), ids=UNCHANGED)
def test_values_are_left_alone(text: str, reason: str | None) -> None:
    bumped = bump({"values.yaml": text}, TAG)
    assert bumped.text("values.yaml") == text
    if reason is not None:
        assert reason in [each.partition(": ")[2] for each in bumped.reasons]


# a registry that is not written beside the repository must not be taken for Docker Hub
HIDDEN_REGISTRY = {
    "by an alias": "r: &r ghcr.io\na: {registry: *r, repository: acme/api, tag: 1.0.0}\n",
    "by a merge": "r: &r {registry: ghcr.io}\na:\n  <<: *r\n  repository: acme/api\n  tag: 1.0.0\n",
    "by a merge of a list": "r: &r {registry: ghcr.io}\na:\n  <<: [*r]\n  repository: acme/api\n  tag: 1.0.0\n",
}


@pytest.mark.parametrize("text", HIDDEN_REGISTRY.values(), ids=HIDDEN_REGISTRY)
def test_a_registry_from_elsewhere_counts(text: str) -> None:
    assert bump({"values.yaml": text}, "acme/api:2.0.0").text("values.yaml") == text


def test_an_anchor_that_two_images_share_changes_when_both_get_the_same_version() -> None:
    text = "a: {repository: ghcr.io/acme/api, tag: &v 1.0.0}\nb: {repository: ghcr.io/acme/web, tag: *v}\n"
    bumped = bump({"values.yaml": text}, TAG, "ghcr.io/acme/web:2.0.0")
    assert bumped.text("values.yaml") == text.replace("1.0.0", "2.0.0")
    assert [image.changed for image in bumped.plan.images] == [1, 1]
    assert bump({"values.yaml": text}, TAG, "ghcr.io/acme/web:2.0.1").text("values.yaml") == text


def test_an_anchor_that_is_a_label_too_changes_once() -> None:
    text = "a:\n  repository: ghcr.io/acme/api\n  tag: &v 1.0.0\n  labels: {version: *v}\n"
    assert bump({"values.yaml": text}, TAG).text("values.yaml") == text.replace("1.0.0", "2.0.0")


def test_one_word_in_image_is_no_reference_when_the_repository_is_beside_it() -> None:
    text = "repository: ghcr.io/acme\nimage: api\ntag: 1.0.0\n"
    bumped = bump({"values.yaml": text}, "api:2.0.0")
    assert (bumped.text("values.yaml"), len(bumped.warnings)) == (text, 1)


def test_an_anchor_that_is_not_there_does_not_stop_the_rest() -> None:
    text = "a:\n  <<: *gone\n  repository: ghcr.io/acme/api\n  tag: 1.0.0\n"
    assert bump({"values.yaml": text}, TAG).text("values.yaml") == text.replace("1.0.0", "2.0.0")


def test_a_mapping_that_merges_itself_ends() -> None:
    text = "a: &a\n  <<: *a\n  repository: ghcr.io/acme/api\n  tag: 1.0.0\n"
    assert bump({"values.yaml": text}, TAG).text("values.yaml") == text.replace("1.0.0", "2.0.0")


def test_what_cannot_be_written_is_said() -> None:
    bumped = bump({"values.yaml": "repository: ghcr.io/acme/api\ntag: 1.0.0\n"}, BOTH)
    assert bumped.warnings == ["values.yaml:2:6: the digest is not written: there is no key for it"]
    bumped = bump({"values.yaml": "repository: ghcr.io/acme/api\ntag: 1.0.0\n"}, DIGEST)
    assert bumped.warnings == ["values.yaml:2:6: no digest stands beside the tag; give REPOSITORY:TAG@DIGEST"]
    bumped = bump({"values.yaml": f"repository: ghcr.io/acme/api\ndigest: {OLD}\n"}, TAG)
    assert bumped.warnings == ["values.yaml:2:9: only a digest stands here; give REPOSITORY@DIGEST or --pin-digest"]
