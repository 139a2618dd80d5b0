"""What a build is asked for: which images, by whose words, and what is said where that cannot be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelinegen.commands.building.asked import BuildOptions, configuration
from pipelinegen.commands.building.based import needs_of, wanted_images
from pipelinegen.errors import InputError

CONFIG = """\
version: 1
images:
  api:
    repository: ghcr.io/acme/api
    mirrors: [quay.io/acme/api]
    context: services/api
    contexts: {base: "target:base", docs: docs}
    platforms: [linux/amd64]
    build-args: {A: "1", B: "2"}
    tags: [type=sha]
  base:
    repository: ghcr.io/acme/base
    context: base
    dockerfile: build/Dockerfile
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pipelinegen.yaml").write_text(CONFIG, encoding="utf-8")
    for name in ("services/api/Dockerfile", "base/build/Dockerfile"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text("FROM scratch\n", encoding="utf-8")
    return tmp_path


def images(folder: Path, **options: object) -> list[str]:
    asked = BuildOptions(directory=str(folder), **options)  # type: ignore[arg-type]
    return [image.name for image in wanted_images(asked, configuration(str(folder)))]


def test_all_images_are_built_if_none_is_named(folder: Path) -> None:
    assert images(folder) == ["api", "base"]


def test_a_named_image_brings_its_base(folder: Path) -> None:
    assert images(folder, images=("api",)) == ["api", "base"]
    assert images(folder, images=("base",)) == ["base"]
    assert images(folder, images=("base", "api", "base")) == ["base", "api"]


@pytest.mark.parametrize(
    ("dockerfile", "options", "found"),
    [
        pytest.param("ARG BASE=ghcr.io/acme/base\nFROM $BASE\n", {}, ["api", "base"], id="FROM $ARG"),
        pytest.param("ARG BASE=ghcr.io/acme/base:1.2\nFROM ${BASE}\n", {}, ["api", "base"], id="with a tag"),
        pytest.param("ARG A=debian\nFROM $A\n", {"build_arg": ("A=ghcr.io/acme/base",)}, ["api", "base"], id="option"),
        pytest.param("ARG R=ghcr.io/acme/base\nFROM $R AS b\nFROM scratch\n", {}, ["api"], id="stage not needed"),
        pytest.param(
            "ARG R=ghcr.io/acme/base\nFROM $R AS b\nFROM scratch\nCOPY --from=b /x /\n",
            {},
            ["api", "base"],
            id="copied",
        ),
        pytest.param("FROM ghcr.io/acme/base:1.2\n", {}, ["api"], id="as it is written"),
        pytest.param("ARG BASE=ghcr.io/acme/bases\nFROM $BASE\n", {}, ["api"], id="another repository"),
        pytest.param("ARG ME=ghcr.io/acme/api\nFROM $ME\n", {}, ["api"], id="itself of yesterday"),
        pytest.param("FROM $\nNONSENSE\n", {}, ["api"], id="not understood"),
    ],
)
def test_what_stands_behind_from_is_brought_too(
    folder: Path, dockerfile: str, options: dict[str, object], found: list[str]
) -> None:
    config = CONFIG.replace('base: "target:base", ', "")
    (folder / "pipelinegen.yaml").write_text(config, encoding="utf-8")
    (folder / "services/api/Dockerfile").write_text(dockerfile, encoding="utf-8")
    assert images(folder, images=("api",), **options) == found


def test_bases_of_bases_are_brought_once(folder: Path) -> None:
    config = CONFIG + "    contexts: {}\n  root: {repository: ghcr.io/acme/root, context: root}\n"
    (folder / "pipelinegen.yaml").write_text(config, encoding="utf-8")
    (folder / "services/api/Dockerfile").write_text("ARG R=ghcr.io/acme/root\nFROM $R\nCOPY --from=base / /\n")
    (folder / "base/build/Dockerfile").write_text("ARG R=ghcr.io/acme/root\nFROM $R\n")
    (folder / "root").mkdir()
    (folder / "root/Dockerfile").write_text("FROM scratch\n")
    assert images(folder, images=("api",)) == ["api", "root", "base"]
    wanted = wanted_images(BuildOptions(str(folder), images=("api",)), configuration(str(folder)))
    assert needs_of(wanted) == {"api": {"root", "base"}, "base": {"root"}, "root": frozenset()}


def test_the_configuration_is_found_from_below(folder: Path) -> None:
    config = configuration(str(folder / "services" / "api"))
    (api, base) = wanted_images(BuildOptions(), config)
    assert api.context.resolve() == folder / "services" / "api"
    assert base.dockerfile.resolve() == folder / "base" / "build" / "Dockerfile"
    assert [str(each) for each in api.repositories] == ["ghcr.io/acme/api", "quay.io/acme/api"]
    assert api.bases == {"base": "base"}
    assert api.place == f"{folder}/pipelinegen.yaml:10:11"


def test_options_win_over_the_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "x")
    monkeypatch.delenv("NOT_SET", raising=False)
    options = BuildOptions(
        str(folder),
        images=("api",),
        tag=("1.2.3",),
        platform=("linux/arm64",),
        build_arg=("B=3=4", "FROM_OUTSIDE", "NOT_SET", "EMPTY="),
    )
    api = wanted_images(options, configuration(str(folder)))[0]
    assert (api.tags, api.platforms) == (("1.2.3",), ("linux/arm64",))
    assert api.build_args == {"A": "1", "B": "3=4", "FROM_OUTSIDE": "x", "EMPTY": ""}


@pytest.mark.parametrize(
    ("options", "said", "where"),
    [
        pytest.param({"images": ("apo",)}, 'no image apo, did you mean "api"?', "pipelinegen.yaml:3:3", id="image"),
        pytest.param({"images": ("a\x1b[1m",)}, "no image 'a\\x1b[1m'", "pipelinegen.yaml:3:3", id="odd image"),
        pytest.param({"tag": ("type=shaa",)}, 'did you mean "sha"?', "--tag", id="rule"),
        pytest.param({"tag": ("a b",)}, "neither a rule", "--tag", id="tag"),
        pytest.param({"platform": ("amd64",)}, "write it as linux/amd64", "--platform", id="platform"),
        pytest.param({"build_arg": ("A-B=1",)}, "not the name of a variable", "--build-arg", id="build arg"),
    ],
)
def test_what_cannot_be_built_is_said_at_its_place(
    folder: Path, options: dict[str, object], said: str, where: str
) -> None:
    with pytest.raises(InputError) as caught:
        images(folder, **options)
    assert said in caught.value.what
    assert (caught.value.where or "").endswith(where)


@pytest.mark.parametrize(
    ("gone", "said", "line"),
    [
        ("services/api", "no such folder", 6),
        ("base/build/Dockerfile", "there is no file base/build/Dockerfile", 14),
    ],
)
def test_what_is_not_there_is_told_where_it_is_named(folder: Path, gone: str, said: str, line: int) -> None:
    path = folder / gone
    path.rename(folder / "elsewhere")
    with pytest.raises(InputError) as caught:
        images(folder)
    assert said in caught.value.what
    assert f"pipelinegen.yaml:{line}:" in str(caught.value.where)


def test_without_a_configuration_there_is_nothing_to_build(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no pipelinegen\.yaml"):
        configuration(str(tmp_path))
    (tmp_path / "pipelinegen.yaml").write_text("version: 1\n", encoding="utf-8")
    with pytest.raises(InputError, match="no image is configured"):
        images(tmp_path)
