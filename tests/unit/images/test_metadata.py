"""The metadata files of eight builders, as they write them, and broken ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.errors import InputError
from pipelinegen.images.metadata import BuiltImage, references
from pipelinegen.images.reference import parse

MANIFEST = "sha256:" + "19ffeab6f8bc9293" * 4
CONFIG = "sha256:" + "2937f66a9722f7f4" * 4
OTHER = "sha256:" + "a1b2c3d4e5f60718" * 4
THIRD = "sha256:" + "0f1e2d3c4b5a6978" * 4
REVISION = "a9ba846486420e07d30db1107411ac3697ecab68"
CREATED = "2026-02-08T21:28:03Z"


def read(value: object, name: str = "metadata.json") -> list[BuiltImage]:
    return references(value.encode() if isinstance(value, str) else json.dumps(value).encode(), name)


def named(built: list[BuiltImage]) -> list[str]:
    return [str(image.reference) for image in built]


def refused(value: object) -> InputError:
    with pytest.raises(InputError) as caught:
        read(value, "dist/build.out")
    assert caught.value.exit_code == 2
    assert caught.value.id == "bad-metadata"
    assert caught.value.where == "dist/build.out"
    assert caught.value.next
    return caught.value


def ours(**image: Any) -> dict[str, Any]:
    record = {
        "name": "api",
        "repository": "ghcr.io/acme/api",
        "tag": "1.2.3",
        "tags": ["1.2.3", "latest"],
        "digest": MANIFEST,
        "reference": f"ghcr.io/acme/api:1.2.3@{MANIFEST}",
        "platforms": ["linux/amd64"],
        "source": {"revision": REVISION, "url": "https://github.com/acme/api"},
        "created": CREATED,
    }
    return {"schema": "pipelinegen.build/1", "images": [{**record, **image}]}


def buildx(**result: Any) -> dict[str, Any]:
    """What `docker buildx build --push` writes with the docker-container driver for one platform."""
    return {
        "buildx.build.provenance": {
            "buildType": "https://mobyproject.org/buildkit@v1",
            "materials": [{"uri": "pkg:docker/alpine@3.21", "digest": {"sha256": OTHER[7:]}}],
            "invocation": {"configSource": {"entryPoint": "Dockerfile"}, "parameters": {"frontend": "dockerfile.v0"}},
            "metadata": {
                "buildFinishedOn": "2026-02-08T21:28:04.5Z",
                "https://mobyproject.org/buildkit@v1#metadata": {
                    "vcs": {"revision": REVISION, "source": "https://me:hunter2@github.com/acme/api.git"}
                },
            },
        },
        "buildx.build.ref": "mybuilder/mybuilder0/0fjb6ubs52xx3vygf6fgdl611",
        "containerimage.config.digest": CONFIG,
        "containerimage.descriptor": {
            "annotations": {"config.digest": CONFIG, "org.opencontainers.image.created": CREATED},
            "digest": MANIFEST,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "size": 506,
        },
        "containerimage.digest": MANIFEST,
        "image.name": "ghcr.io/acme/api:1.2.3",
        **result,
    }


def without(record: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in keys}


def werf(**image: Any) -> dict[str, Any]:
    record = {
        "WerfImageName": "backend",
        "DockerRepo": "registry.acme.io/shop",
        "DockerTag": "638aab4c-1700000000000",
        "DockerImageID": CONFIG,
        "DockerImageDigest": MANIFEST,
        "DockerImageName": "registry.acme.io/shop:638aab4c-1700000000000",
        "Rebuilt": True,
        "Final": True,
        "Commit": REVISION,
        "Stages": [{"Name": "from", "DockerImageName": "registry.acme.io/shop:stage"}],
    }
    return {
        "Runtime": {"Backend": "docker"},
        "Images": {"backend": {**record, **image}},
        "ImagesByPlatform": {},
    }


def jib(**keys: Any) -> dict[str, Any]:
    return {
        "image": "gcr.io/acme/api:1.2.3",
        "imageId": CONFIG,
        "imageDigest": MANIFEST,
        "tags": ["1.2.3", "latest"],
        "imagePushed": True,
        **keys,
    }


WERF_VARIABLES = [
    "WERF_BACKEND_DOCKER_IMAGE_NAME=registry.acme.io/shop:1-2",
    f"WERF_BACKEND_DOCKER_IMAGE_ID={CONFIG}",
    f"WERF_BACKEND_DOCKER_IMAGE_DIGEST={MANIFEST}",
    "WERF_BACKEND_DOCKER_REPO=registry.acme.io/shop",
    "WERF_BACKEND_WERF_IMAGE_NAME=backend",
    "WERF_BACKEND_FINAL=true",
    "WERF_TOOLS_DOCKER_IMAGE_NAME=registry.acme.io/shop:3-4",
    "WERF_TOOLS_FINAL=false",
]
PINNED = f"ghcr.io/acme/api:1.2.3@{MANIFEST}"
REAL: dict[str, tuple[object, list[str]]] = {
    "pipelinegen build": (ours(), [PINNED]),
    "pipelinegen build without a push": (ours(digest=None), ["ghcr.io/acme/api:1.2.3"]),
    "pipelinegen build without a tag": (ours(tag=None), [f"ghcr.io/acme/api@{MANIFEST}"]),
    "buildx build --push": (buildx(), [PINNED]),
    "buildx build, several platforms": (
        without(buildx(), "containerimage.config.digest"),
        [PINNED],
    ),
    "buildx build by an old BuildKit": (
        without(buildx(), "containerimage.descriptor", "buildx.build.ref", "buildx.build.provenance"),
        [PINNED],
    ),
    "buildx build --load with Docker's own store: only the digest of the configuration is told": (
        without(buildx(**{"containerimage.digest": CONFIG}), "containerimage.descriptor"),
        ["ghcr.io/acme/api:1.2.3"],
    ),
    "buildx build by an old daemon: it may be the digest of the configuration": (
        without(buildx(), "containerimage.descriptor", "containerimage.config.digest"),
        ["ghcr.io/acme/api:1.2.3"],
    ),
    "buildx build --push with the docker driver: the descriptor is that of the export": (
        buildx(**{"containerimage.descriptor": {"digest": OTHER}}),
        [PINNED],
    ),
    "buildx build, push by digest": (buildx(**{"image.name": "ghcr.io/acme/api"}), [f"ghcr.io/acme/api@{MANIFEST}"]),
    "buildx imagetools create": (
        {"containerimage.descriptor": {"digest": MANIFEST}, "image.name": "ghcr.io/acme/api:1.2.3"},
        [PINNED],
    ),
    "buildx build with tags in two registries": (
        buildx(**{"image.name": "docker.io/acme/api:latest,docker.io/acme/api:1.2.3,ghcr.io/acme/api:1.2.3"}),
        [f"acme/api:1.2.3@{MANIFEST}", PINNED],
    ),
    "buildx bake": (
        {
            "buildx.build.warnings": [{"level": 1, "url": "https://docs.docker.com/go/x"}],
            "api": buildx(),
            "test": {"buildx.build.ref": "default/default/1"},
            "web": buildx(**{"image.name": "ghcr.io/acme/web:2.0.0", "containerimage.digest": OTHER}),
        },
        [PINNED, f"ghcr.io/acme/web:2.0.0@{OTHER}"],
    ),
    "skaffold build": (
        {
            "builds": [
                {"imageName": "api", "tag": PINNED},
                {"imageName": "ghcr.io/acme/web", "tag": "ghcr.io/acme/web:v2"},
            ]
        },
        [PINNED, "ghcr.io/acme/web:v2"],
    ),
    "ko build": (f"ghcr.io/acme/api@{MANIFEST}\n", [f"ghcr.io/acme/api@{MANIFEST}"]),
    "ko build, several platforms: the index comes first": (
        f"ghcr.io/acme/api@{MANIFEST}\nghcr.io/acme/api@{OTHER}\nghcr.io/acme/api@{THIRD}\nghcr.io/acme/web@{OTHER}\n",
        [f"ghcr.io/acme/api@{MANIFEST}", f"ghcr.io/acme/web@{OTHER}"],
    ),
    "kaniko --image-name-with-digest-file": (f"gcr.io/acme/api@{MANIFEST}", [f"gcr.io/acme/api@{MANIFEST}"]),
    "kaniko --image-name-tag-with-digest-file": (
        f"gcr.io/acme/api:latest@{MANIFEST}\ngcr.io/acme/api:1.2@{MANIFEST}\nindex.docker.io/acme/api:1.2@{MANIFEST}\n",
        [f"gcr.io/acme/api:1.2@{MANIFEST}", f"acme/api:1.2@{MANIFEST}"],
    ),
    "a list by hand": (
        "# what we have built\r\n\r\nghcr.io/acme/api:1.2.3\r\n  ghcr.io/acme/web:2.0.0  \r\n",
        ["ghcr.io/acme/api:1.2.3", "ghcr.io/acme/web:2.0.0"],
    ),
    "an IPv6 registry": ("[::1]:5000/acme/api:1", ["[::1]:5000/acme/api:1"]),
    "jib": (jib(), [f"gcr.io/acme/api:1.2.3@{MANIFEST}"]),
    "jib before 3.3": (without(jib(), "imagePushed", "tags"), [f"gcr.io/acme/api:1.2.3@{MANIFEST}"]),
    "jib, whose image has no tag but latest": (
        jib(image="gcr.io/acme/api", tags=["latest"]),
        [f"gcr.io/acme/api:latest@{MANIFEST}"],
    ),
    "jib, whose best tag is a further one": (
        jib(image="gcr.io/acme/api", tags=["3.0.1", "latest"]),
        [f"gcr.io/acme/api:3.0.1@{MANIFEST}"],
    ),
    "jib dockerBuild": (jib(imagePushed=False), ["gcr.io/acme/api:1.2.3"]),
    "werf": (werf(), [f"registry.acme.io/shop:638aab4c-1700000000000@{MANIFEST}"]),
    "werf 1.1": (
        werf(DockerImageDigest=None),
        ["registry.acme.io/shop:638aab4c-1700000000000"],
    ),
    "werf, envfile": (
        "\n".join(WERF_VARIABLES),
        [f"registry.acme.io/shop:1-2@{MANIFEST}"],
    ),
    "werf, envfile of older versions": (
        "WERF_DOCKER_IMAGE_NAME=registry.acme.io/shop:1-2\nWERF_DEV_APP_DOCKER_IMAGE_NAME=registry.acme.io/app:3-4\n",
        ["registry.acme.io/shop:1-2", "registry.acme.io/app:3-4"],
    ),
}


@pytest.mark.parametrize(("content", "expected"), REAL.values(), ids=REAL.keys())
def test_what_a_builder_has_made_is_read(content: object, expected: list[str]) -> None:
    assert named(read(content)) == expected


def test_our_own_file_says_all() -> None:
    assert read(ours()) == [
        BuiltImage(parse(PINNED), REVISION, "https://github.com/acme/api", CREATED, "pipelinegen build: api")
    ]


def test_buildx_tells_the_source_without_its_password() -> None:
    assert read(buildx()) == [
        BuiltImage(parse(PINNED), REVISION, "https://github.com/acme/api.git", CREATED, "docker buildx")
    ]


def test_bake_names_its_target() -> None:
    assert [image.origin for image in read({"api": buildx()})] == ["docker buildx bake: api"]


def test_werf_tells_the_commit() -> None:
    assert [(image.source_revision, image.origin) for image in read(werf())] == [(REVISION, "werf: backend")]


@pytest.mark.parametrize(
    ("provenance", "source"),
    [
        ({}, (None, None)),
        ({"metadata": {"x": {"vcs": {"revision": REVISION}}}}, (REVISION, None)),
        ({"metadata": {"x": {"vcs": {"revision": f"{REVISION}-dirty", "source": "https://h/a"}}}}, (None, None)),
        (
            {"invocation": {"configSource": {"uri": "https://h/a.git#refs/tags/v1", "digest": {"sha1": REVISION}}}},
            (REVISION, "https://h/a.git"),
        ),
        (
            {
                "buildDefinition": {
                    "externalParameters": {
                        "request": {"args": {"vcs:revision": REVISION, "vcs:source": "git@github.com:acme/api.git"}}
                    }
                }
            },
            (REVISION, "git@github.com:acme/api.git"),
        ),
        ({"vcs": {"revision": REVISION, "source": "https://h/a?token=hunter2"}}, (REVISION, "https://h/a")),
        ({"vcs": {"revision": REVISION, "source": "https://u:hunter2/x@h/a"}}, (REVISION, None)),
        ({"vcs": {"revision": REVISION, "source": "ssh://git:hunter2@h/a"}}, (REVISION, "ssh://h/a")),
        ({"vcs": {"revision": REVISION, "source": "https://h/a\nPipelinegen-Image: x"}}, (REVISION, None)),
        ({"vcs": {"revision": "main\n", "source": "https://h/a"}}, (None, None)),
        ({"vcs": ["revision"], "configSource": {"digest": None}}, (None, None)),
        ({"vcs": {"revision": 7, "source": 8}}, (None, None)),
        ("not an object", (None, None)),
    ],
)
def test_buildx_sources(provenance: object, source: tuple[str | None, str | None]) -> None:
    (image,) = read(buildx(**{"buildx.build.provenance": provenance}))
    assert (image.source_revision, image.source_url) == source


def test_the_provenance_of_a_platform_tells_the_source() -> None:
    platforms = {"buildx.build.provenance/linux/arm64": {"vcs": {"revision": REVISION}}}
    (image,) = read({**without(buildx(), "buildx.build.provenance"), **platforms})
    assert image.source_revision == REVISION


@pytest.mark.parametrize("created", ["yesterday", "2026-02-08", f"{CREATED}\nPipelinegen-Image: x", "", None])
def test_what_is_no_time_is_left_out(created: str | None) -> None:
    assert [image.created for image in read(ours(created=created))] == [None]


@pytest.mark.parametrize("created", [CREATED, "2026-02-08T21:28:03.123456789Z", "2026-02-08T21:28:03+01:00"])
def test_times_are_kept(created: str) -> None:
    assert [image.created for image in read(ours(created=created))] == [created]


@pytest.mark.parametrize(
    ("tags", "best"),
    [
        ("1.2.3,1.2,1,latest", "1.2.3"),
        ("latest,1,1.2,v1.2.3", "v1.2.3"),
        ("main,sha-1a2b3c4", "sha-1a2b3c4"),
        ("latest,main", "main"),
        ("latest", "latest"),
        ("edge,1.2", "1.2"),
        ("pr-7,1.2.3-rc.1", "1.2.3-rc.1"),
        ("1.2.3,1.2.3-alpine", "1.2.3"),
        ("20260208,nightly", "20260208"),
    ],
)
def test_of_several_tags_the_one_that_moves_least_is_taken(tags: str, best: str) -> None:
    names = ",".join(f"ghcr.io/acme/api:{tag}" for tag in tags.split(","))
    assert named(read(buildx(**{"image.name": names}))) == [f"ghcr.io/acme/api:{best}@{MANIFEST}"]


def test_the_same_image_twice_is_one() -> None:
    assert named(read({"builds": [{"imageName": "a", "tag": PINNED}, {"imageName": "b", "tag": PINNED}]})) == [PINNED]


def test_a_byte_order_mark_is_not_content() -> None:
    assert named(references(b"\xef\xbb\xbf" + json.dumps(ours()).encode(), "x")) == [PINNED]


BROKEN: dict[str, tuple[object, str]] = {
    "empty": ("", "it is empty"),
    "blank": (" \n\t\n", "it is empty"),
    "only comments": ("# nothing\n", "it names no image"),
    "truncated": (json.dumps(ours())[:-20], "not valid JSON, or not all of it"),
    "two documents": (json.dumps(ours()) * 2, "not valid JSON"),
    "nested too deeply": ('{"a":' * 100_000, "nested too deeply"),
    "an endless number": ('{"a": ' + "9" * 5000 + "}", "not valid JSON"),
    "an empty object": ({}, "no build metadata that is known"),
    "other JSON": ({"version": 1, "name": "x"}, "no build metadata that is known"),
    "a list": ("[]", "line 1: "),
    "a log": ("Building\nDone in 3s\n", "line 1: repository names are lower case"),
    "a log of sentences": ("\nstep 1 done\n", "line 2: a reference holds no white space"),
    "a web page": ("<!DOCTYPE html>\n<html></html>", "line 1: a reference holds no white space"),
    "a digest only": (MANIFEST + "\n", "a digest and no name"),
    "our file by a newer version": ({"schema": "pipelinegen.build/2", "images": []}, "pipelinegen.build/1 is what"),
    "our other file": ({"schema": "pipelinegen.bump/1"}, "its schema is pipelinegen.bump/1"),
    "our file without images": ({"schema": "pipelinegen.build/1"}, "images is not a list"),
    "our file with none": ({"schema": "pipelinegen.build/1", "images": []}, "it names no image"),
    "our file with text": ({"schema": "pipelinegen.build/1", "images": ["x"]}, "images[0] is not an object"),
    "our file without a repository": (ours(repository=None), "images[0].repository is missing"),
    "our file with a number": (ours(tag=7), "images[0].tag is not text"),
    "our file with upper case": (ours(repository="ghcr.io/acme/API"), "images[0]: repository names are lower case"),
    "our file with a tag in the repository": (ours(repository="ghcr.io/acme/api:9", tag=None), "images[0]: a repos"),
    "our file with two tags": (ours(repository="ghcr.io/acme/api:9"), "images[0]: a tag holds only"),
    "our file with an odd tag": (ours(tag="1.2.3+4"), "images[0]: a tag holds only letters"),
    "our file with an odd digest": (ours(digest="sha256:12"), "images[0]: a sha256 digest has 64"),
    "our file without a version": (ours(tag=None, digest=None), "images[0]: ghcr.io/acme/api has neither"),
    "our file with an odd source": (ours(source="here"), "images[0].source is not an object"),
    "buildx without a push": (
        {"buildx.build.ref": "a/b/c", "buildx.build.provenance": {}},
        "no image with a name",
    ),
    "bake that only tests": ({"test": {"buildx.build.ref": "a/b/c"}}, "no image with a name"),
    "buildx without a name": (without(buildx(), "image.name"), "no image with a name"),
    "buildx with an empty name": (buildx(**{"image.name": ""}), "no image with a name"),
    "buildx with a number": (buildx(**{"image.name": 7}), "image.name is not text"),
    "buildx with an invalid name": (buildx(**{"image.name": "ghcr.io/acme/API:1"}), "image.name: repository names"),
    "buildx with an odd digest": (buildx(**{"containerimage.digest": "sha256:12"}), "a sha256 digest has 64"),
    "buildx by digest with none": (
        {"image.name": "ghcr.io/acme/api", "containerimage.digest": CONFIG, "containerimage.config.digest": CONFIG},
        "ghcr.io/acme/api has neither a tag nor a digest",
    ),
    "bake without a name": ({"api": without(buildx(), "image.name")}, "no image with a name"),
    "skaffold without builds": ({"builds": []}, "it names no image"),
    "skaffold with an object": ({"builds": {}}, "builds is not a list"),
    "skaffold without a tag": ({"builds": [{"imageName": "api"}]}, "builds[0].tag is missing"),
    "skaffold with a bare name": ({"builds": [{"tag": "ghcr.io/acme/api"}]}, "builds[0].tag: ghcr.io/acme/api has"),
    "skaffold without a push": (
        {"builds": [{"imageName": "api", "tag": f"api:{CONFIG[7:]}"}]},
        "the ID of an image that was not pushed",
    ),
    "ko with a bare name": ("ghcr.io/acme/api", "line 1: ghcr.io/acme/api has neither"),
    "kaniko with an empty line and an invalid one": (
        f"gcr.io/acme/api@{MANIFEST}\n\ngcr.io/acme/API@{MANIFEST}",
        "line 3: repository names are lower case",
    ),
    "one repository with two tags": ("acme/api:1\nacme/api:2", "names docker.io/acme/api with different tags"),
    "one repository of two builds": (
        f"acme/api:1@{MANIFEST}\nacme/api:2@{OTHER}",
        "names docker.io/acme/api with different digests",
    ),
    "jib without an image": (without(jib(), "image"), "image is missing"),
    "jib with odd tags": (jib(tags="latest"), "tags is not a list of tags"),
    "jib with an invalid tag": (jib(tags=["a b"]), "tags is not a list of tags"),
    "jib with an odd digest": (jib(imageDigest=7), "imageDigest is not text"),
    "werf with a list": ({"Images": []}, "Images is not an object"),
    "werf with none": ({"Images": {}}, "it names no image"),
    "werf with text": ({"Images": {"a": "b"}}, "Images.a is not an object"),
    "werf without a name": (werf(DockerImageName=None), "Images.backend.DockerImageName is missing"),
    "werf with only base images": (werf(Final=False), "it names no image"),
    "werf without a registry": (werf(DockerImageDigest=""), "only in werf's local storage"),
    "werf with an odd digest": (werf(DockerImageDigest=7), "DockerImageDigest of backend"),
    "variables of something else": ("IMAGE_TAG=1.2.3\n", "it names no image"),
}


@pytest.mark.parametrize(("content", "what"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_refused_with_what_was_expected(content: object, what: str) -> None:
    assert what in refused(content).what


def test_the_advice_fits_the_mistake() -> None:
    assert "--image-name-tag-with-digest-file" in str(refused(MANIFEST).next)
    assert "--push" in str(refused({"builds": [{"tag": f"api:{CONFIG[7:]}"}]}).next)
    assert "--repo" in str(refused(werf(DockerImageDigest="")).next)
    assert "skaffold build --file-output" in str(refused("{}").next)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match=r"not UTF-8 text \(byte 1\)"):
        references(b"a\xff", "x")


@pytest.mark.parametrize(
    "content",
    [
        "me:hunter2@ghcr.io/acme/api:1",
        {"builds": [{"tag": "https://me:hunter2@ghcr.io/acme/api:1"}]},
        buildx(**{"image.name": "me:hunter2@ghcr.io/acme/api:1"}),
        ours(repository="me:hunter2@ghcr.io/acme/api"),
    ],
)
def test_a_password_is_not_repeated(content: object) -> None:
    assert "hunter2" not in "\n".join(refused(content).lines())


def test_names_of_the_file_cannot_write_to_the_terminal() -> None:
    (image,) = read({"a\x1b[31m\n": buildx()})
    assert image.origin.isprintable()
    assert refused({"Images": {"\x1b[31m": 1}}).what.isprintable()
    assert refused({"schema": "\x1b[31m"}).what.isprintable()


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from([PINNED, MANIFEST, CONFIG])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner))


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A real file in which the value of one key, at any depth, is replaced or gone."""
    document = json.loads(json.dumps(draw(st.sampled_from([ours(), buildx(), {"api": buildx()}, jib(), werf()]))))
    place = document
    while True:
        key = draw(st.sampled_from(sorted(place)))
        inner = place[key][0] if isinstance(place[key], list) and place[key] else place[key]
        if not isinstance(inner, dict) or not inner or draw(st.booleans()):
            break
        place = inner
    if draw(st.booleans()):
        place[key] = draw(VALUES)
    else:
        del place[key]
    return dict(document)


@given(damaged())
def test_a_damaged_file_gives_images_with_a_version_or_our_error(document: dict[str, Any]) -> None:
    try:
        built = read(document)
    except InputError as error:
        built = []
        message = error.what
    else:
        message = ""
    assert bool(built) != bool(message)
    assert all(image.reference.tag or image.reference.digest for image in built)
    assert all(str(value).isprintable() for image in built for value in image)
    assert message.isprintable()


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes_give_images_or_our_error(data: bytes) -> None:
    try:
        built = references(data, "x")
    except InputError:
        return
    assert built
    assert all(image.reference.tag or image.reference.digest for image in built)
