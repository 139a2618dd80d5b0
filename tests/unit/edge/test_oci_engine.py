"""The built-in engine without a registry: what it makes, always the same bytes, what it refuses and in which words."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.engines import ENGINES
from pipelinegen.edge.engines.oci import Oci
from pipelinegen.edge.engines.port import BuildRequest, Container, Setup
from pipelinegen.edge.filesystem import ImageFiles
from pipelinegen.edge.layout import Layout
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.media_types import OCI_INDEX, OCI_MANIFEST
from pipelinegen.images.platforms import host
from tests.support.contexts import (
    ARCHIVED,
    FILES,
    Content,
    Link,
    Mode,
    archive,
    base_layout,
    files_of,
    settings_of,
    write_context,
)
from tests.support.layers import Item, file, make_layout, symlink

CREATED = dt.datetime(2026, 3, 7, 15, 4, 9, tzinfo=dt.timezone.utc)


class Bench:
    """A folder with a context and a Dockerfile, and what the engine said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.count = 0
        (folder / "context").mkdir()

    def build(self, text: str, files: Mapping[str, Content] | None = None, **values: Any) -> Layout:
        write_context(self.folder / "context", files if files is not None else FILES)
        (self.folder / "Dockerfile").write_text(text)
        self.count += 1
        request = BuildRequest(
            **{
                "name": "x",
                "context": Path("context"),
                "dockerfile": Path("Dockerfile"),
                "created": CREATED,
                "root": self.folder,
                **values,
            }
        )
        with Oci(Setup(environ={"HOME": str(self.folder)})) as engine:
            return engine.build(request, self.folder / f"layout{self.count}", self.said.append).layout


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def shown(layout: Layout) -> dict[str, str]:
    """Paths with what is in them."""
    return {path: entry[5].decode() or str(entry[4] or entry[0]) for path, entry in entries(layout).items()}


def entries(layout: Layout) -> dict[str, tuple[Any, ...]]:
    return files_of(layout, layout.root().digest)


def settings(layout: Layout) -> dict[str, Any]:
    return settings_of(layout, layout.root().digest)


# What it makes beyond what BuildKit is asked for in tests/integration/test_oci_judged.py.


def test_documents(bench: Bench) -> None:
    text = (
        'FROM scratch\nENV NAME=world\nCOPY <<one.txt <<-"TWO" a.txt /d/\nhello $NAME "q" \\$NAME\none.txt\n'
        "\tkept $NAME\n\tTWO\nCOPY --chmod=755 --chown=1:2 <<EOF /bin/script\n#!/bin/sh\nEOF\nUSER 5\n"
    )
    layout = bench.build(text)
    assert shown(layout) == {
        "/d": "folder",
        "/d/one.txt": 'hello world "q" $NAME\n',
        "/d/TWO": "kept $NAME\n",
        "/d/a.txt": "a",
        "/bin": "folder",
        "/bin/script": "#!/bin/sh\n",
    }
    assert entries(layout)["/bin/script"][1:4] == ("755", 1, 2)
    assert settings(layout)["User"] == "5"


def test_modes_reach_made_folders_when_they_are_numbers(bench: Bench) -> None:
    """BuildKit since 0.12; in words they are for what is copied alone."""
    found = entries(bench.build("FROM scratch\nCOPY --chmod=4711 run.sh /a/r\nCOPY --chmod=u=rwX,go=rX dir /b/d\n"))
    assert {path: found[path][1] for path in ("/a", "/a/r", "/b", "/b/d", "/b/d/two", "/b/d/sub")} == {
        "/a": "711",
        "/a/r": "4711",
        "/b": "755",
        "/b/d": "755",
        "/b/d/two": "644",
        "/b/d/sub": "755",
    }


def test_an_archive_is_left_alone_when_asked(bench: Bench) -> None:
    files = {"x.tar": archive(ARCHIVED, "")}
    assert list(shown(bench.build("FROM scratch\nADD --unpack=false x.tar /d/\n", files))) == ["/d", "/d/x.tar"]


def test_the_owner_of_what_is_unpacked(bench: Bench) -> None:
    files = {"x.tar": archive(ARCHIVED, "")}
    found = entries(bench.build("FROM scratch\nADD --chown=8:9 x.tar /d/\n", files))
    owners = {path: entry[2:4] for path, entry in found.items()}
    # A folder that the archive has no entry of is nobody's but root's.
    assert owners.pop("/d/implied") == (0, 0)
    assert set(owners.values()) == {(8, 9)}


def test_hard_links_of_a_stage_stay_hard_links(bench: Bench) -> None:
    layout = bench.build(
        "FROM scratch AS a\nADD x.tar /\nFROM scratch\nCOPY --from=a /top /t\n", {"x.tar": archive(ARCHIVED, "")}
    )
    files = ImageFiles(layout, layout.root().digest)
    one, two = files.get("/t/x"), files.get("/t/h")
    assert one is not None
    assert two is not None
    assert one.content == two.content


def test_links_of_a_context_never_lead_out_of_it(bench: Bench) -> None:
    (bench.folder / "secret").write_text("secret")
    files: dict[str, Content] = {"up": Link("../secret"), "far": Link("/etc/passwd"), "d/inside": Link("../../secret")}
    assert shown(bench.build("FROM scratch\nCOPY . /\n", files))["/up"] == "../secret"
    for name in files:
        with pytest.raises(InputError, match="leads out of it"):
            bench.build(f"FROM scratch\nCOPY {name} /x\n", files)


def test_the_dockerfile_may_have_an_ignore_file_of_its_own(bench: Bench) -> None:
    (bench.folder / "Dockerfile.dockerignore").write_text("b.txt\n")
    files = {"a.txt": "a", "b.txt": "b", ".dockerignore": "a.txt\n"}
    assert "/b.txt" not in shown(bench.build("FROM scratch\nCOPY . /\n", files))
    assert "/a.txt" in shown(bench.build("FROM scratch\nCOPY . /\n", files))


def test_a_socket_is_passed_over_and_a_pipe_is_copied(bench: Bench) -> None:
    import socket

    os.mkfifo(bench.folder / "context" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        before = os.getcwd()
        os.chdir(bench.folder / "context")
        try:
            listener.bind("sock")
        finally:
            os.chdir(before)
        assert shown(bench.build("FROM scratch\nCOPY . /\n", {"a": "a"})) == {"/a": "a", "/pipe": "fifo"}


def test_labels_and_annotations(bench: Bench) -> None:
    text = "FROM scratch\nLABEL a=1 b=2\nCOPY a.txt /\n"
    layout = bench.build(text, labels={"b": "3", "c": "4"}, annotations={"org.example.x": "y"})
    assert settings(layout)["Labels"] == {"a": "1", "b": "3", "c": "4"}
    assert layout.manifest(layout.root().digest)["annotations"] == {"org.example.x": "y"}


def test_build_arguments(bench: Bench) -> None:
    text = "ARG G=g\nFROM scratch\nARG A=1\nARG G\nARG HTTP_PROXY TARGETARCH\n"
    text += "LABEL a=$A g=$G p=$HTTP_PROXY t=$TARGETARCH\n"
    layout = bench.build(
        text, build_args={"A": "2", "HTTP_PROXY": "http://p", "UNUSED": "u"}, platforms=("linux/arm64",)
    )
    assert settings(layout)["Labels"] == {"a": "2", "g": "g", "p": "http://p", "t": "arm64"}


def test_the_later_of_arg_and_env_is_seen(bench: Bench) -> None:
    text = "FROM scratch AS a\nARG X=1\nENV X=2\nLABEL a=$X\nENV Y=1\nARG Y=2\nLABEL b=$Y\nFROM a\nLABEL c=$X d=$Y\n"
    assert settings(bench.build(text))["Labels"] == {"a": "2", "b": "2", "c": "2", "d": "1"}


@pytest.mark.parametrize("target", ["one", "ONE", "0"])
def test_a_target(bench: Bench, target: str) -> None:
    text = "FROM scratch AS one\nCOPY a.txt /\nFROM scratch\nRUN never\n"
    assert shown(bench.build(text, target=target)) == {"/a.txt": "a"}


def test_a_stage_that_nobody_needs_is_not_built(bench: Bench) -> None:
    text = "FROM golang AS build\nRUN go build\nFROM scratch\nCOPY a.txt /\n"
    assert shown(bench.build(text)) == {"/a.txt": "a"}


def test_a_step_that_changes_no_file_makes_no_layer(bench: Bench) -> None:
    layout = bench.build("FROM scratch\nCOPY a.txt /w/\nWORKDIR /w\nCOPY *.none /\n")
    root = layout.root().digest
    assert len(layout.layers(root)) == len(layout.config(root)["rootfs"]["diff_ids"]) == 1
    assert [each.get("empty_layer", False) for each in layout.config(root)["history"]] == [False, True, True]
    assert any("no file fits" in line for line in bench.said)


def test_an_image_without_layers(bench: Bench) -> None:
    layout = bench.build("FROM scratch\nLABEL a=b\n")
    assert layout.layers(layout.root().digest) == []


# Always the same bytes.

TEXT = "FROM scratch AS a\nCOPY . /a/\nADD x.tar.gz /\nFROM a\nCOPY --from=a --chown=1 /a /b\nWORKDIR /w\n"


def test_touched_files_give_the_same_digest(tmp_path: Path) -> None:
    digests = set()
    files = {**FILES, "x.tar.gz": archive(ARCHIVED)}
    for number, when in enumerate((0, 1_000_000_000, 2_000_000_000)):
        (tmp_path / str(number)).mkdir()
        bench = Bench(tmp_path / str(number))
        write_context(bench.folder / "context", dict(sorted(files.items(), reverse=bool(number % 2))))
        for folder, folders, names in os.walk(bench.folder / "context"):
            for name in (*folders, *names):
                os.utime(os.path.join(folder, name), (when, when), follow_symlinks=False)
        digests.add(bench.build(TEXT, {}).root().digest)
    assert len(digests) == 1


def test_the_time_is_the_one_that_was_given(bench: Bench) -> None:
    layout = bench.build("FROM scratch\nCOPY a.txt /d/\n")
    root = layout.root().digest
    assert layout.config(root)["created"] == "2026-03-07T15:04:09Z"
    assert {entry.mtime for entry in ImageFiles(layout, root).walk()} == {int(CREATED.timestamp())}
    other = bench.build("FROM scratch\nCOPY a.txt /d/\n", created=None)
    assert other.config(other.root().digest)["created"] == "1970-01-01T00:00:00Z"


def test_what_is_left_in_the_layout_is_the_image(bench: Bench) -> None:
    layout = bench.build("FROM scratch AS a\nCOPY . /x/\nFROM scratch\nCOPY --from=a /x/a.txt /\n")
    root = layout.root().digest
    named = {root, layout.config_descriptor(root).digest, *(each.digest for each in layout.layers(root))}
    assert {f"sha256:{path.name}" for path in (layout.folder / "blobs/sha256").iterdir()} == named


# Platforms.


def test_the_platform_is_this_machine_s_unless_it_is_asked_for(bench: Bench) -> None:
    layout = bench.build("FROM scratch\nCOPY a.txt /\n")
    assert [each.platform for each in layout.images()] == [host()]
    layout = bench.build("FROM scratch\nCOPY a.txt /\n", platforms=("linux/arm/v7",))
    assert (layout.root().media_type, layout.root().platform) == (OCI_MANIFEST, "linux/arm/v7")
    assert layout.config(layout.root().digest)["variant"] == "v7"


def test_several_platforms_make_an_index(bench: Bench) -> None:
    text = "FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /bin/app\n"
    files: dict[str, Content] = {"amd64": Mode(0o755, "x86"), "arm64": Mode(0o755, "arm")}
    layout = bench.build(text, files, platforms=("linux/amd64", "linux/aarch64"), annotations={"a": "b"})
    assert layout.root().media_type == OCI_INDEX
    assert layout.manifest(layout.root().digest)["annotations"] == {"a": "b"}
    found = {each.platform: ImageFiles(layout, each.digest).read("/bin/app") for each in layout.images()}
    assert found == {"linux/amd64": b"x86", "linux/arm64": b"arm"}


# Contexts of a name.


def test_a_named_folder(bench: Bench) -> None:
    write_context(bench.folder / "assets", {"logo": "l", "secret": "s", ".dockerignore": "secret\n"})
    layout = bench.build("FROM scratch\nCOPY --from=assets . /a/\n", contexts={"assets": "assets"})
    assert list(shown(layout)) == ["/a", "/a/.dockerignore", "/a/logo"]
    based = bench.build("FROM assets\nCOPY a.txt /\n", contexts={"assets": "assets"})
    assert list(shown(based)) == ["/.dockerignore", "/a.txt", "/logo"]


@pytest.mark.parametrize("digest", [True, False])
def test_a_layout_as_base(bench: Bench, digest: bool) -> None:
    base = base_layout(bench.folder / "base", host())
    place = f"oci-layout://base@{base.root().digest}" if digest else "oci-layout://base"
    layout = bench.build("FROM acme/base:1\nCOPY a.txt /etc/\n", contexts={"acme/base:1": place})
    assert ImageFiles(layout, layout.root().digest).read("/etc/a.txt") == b"a"
    assert [each.digest for each in layout.layers(layout.root().digest)][:2] == [
        each.digest for each in base.layers(base.root().digest)
    ]
    assert settings(layout)["User"] == "app"


def test_a_layout_about_another_image_is_told(bench: Bench) -> None:
    base_layout(bench.folder / "base")
    with pytest.raises(InputError, match="the layout is about"):
        bench.build("FROM b\n", contexts={"b": f"oci-layout://base@sha256:{'0' * 64}"})


@pytest.mark.parametrize("value", ["https://github.com/acme/x.git", "git@github.com:acme/x", "ssh://x/y"])
def test_a_context_from_elsewhere_is_refused(bench: Bench, value: str) -> None:
    with pytest.raises(InputError, match="fetches nothing"):
        bench.build("FROM scratch\nCOPY --from=x a b\n", contexts={"x": value})


def test_a_base_with_instructions_for_others_is_refused(bench: Bench) -> None:
    make_layout(bench.folder / "base", [[file("a", "a")]], config={"OnBuild": ["COPY . /app"]}, platform=host())
    with pytest.raises(WorldError) as caught:
        bench.build("FROM b\n", contexts={"b": "oci-layout://base"})
    assert caught.value.id == "engine-missing"
    assert list(caught.value.details) == ["COPY . /app"]


def test_a_base_for_another_platform_is_refused_where_one_was_asked_for(bench: Bench) -> None:
    base_layout(bench.folder / "base", "linux/s390x")
    with pytest.raises(InputError) as caught:
        bench.build("FROM b\n", contexts={"b": "oci-layout://base"}, platforms=("linux/amd64",))
    assert caught.value.id == "bad-platform"
    layout = bench.build("FROM b\n", contexts={"b": "oci-layout://base"})
    assert layout.root().platform == "linux/s390x"


# What it refuses.


def test_run_stops_with_the_line_and_the_three_ways_out(bench: Bench) -> None:
    text = "FROM scratch AS one\nCOPY a.txt /\n\nRUN make \\\n  install\nFROM one\nRUN again\n"
    with pytest.raises(WorldError) as caught:
        bench.build(text)
    error = caught.value
    assert (error.id, error.exit_code, error.where, error.state) == (
        "engine-missing",
        3,
        "Dockerfile:4:1",
        "nothing was built",
    )
    assert all(name in (error.next or "") for name in ("docker", "buildah", "podman"))
    assert list(error.details) == [
        "   4 | RUN make \\",
        "     | ^^^",
        "Dockerfile:7:1: RUN needs an engine that runs containers, and none works here",
        "   7 | RUN again",
        "     | ^^^",
    ]
    assert not (bench.folder / "layout1").exists()


REFUSED = {
    "RUN": "RUN x",
    "ONBUILD": "ONBUILD COPY a b",
    "ADD of a URL": "ADD https://x.example/y /y",
    "ADD of a repository": "ADD git@github.com:acme/x.git /y",
    "COPY --parents": "COPY --parents a.txt /x/",
    "COPY --exclude": "COPY --exclude=*.md a.txt /x/",
    "ADD --checksum": "ADD --checksum=sha256:x a.txt /x/",
}


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED)
def test_what_needs_another_engine_is_told_before_anything_is_built(bench: Bench, line: str) -> None:
    with pytest.raises(WorldError) as caught:
        bench.build(f"FROM scratch\n{line}\n")
    assert caught.value.id == "engine-missing"
    assert (caught.value.where or "").startswith("Dockerfile:2:")


@pytest.mark.parametrize(
    ("syntax", "known"),
    [
        ("docker/dockerfile:1", True),
        ("docker.io/docker/dockerfile:1.7-labs", True),
        ("acme/other", False),
        ("A B", False),
    ],
)
def test_the_syntax_is_one_that_is_known(bench: Bench, syntax: str, known: bool) -> None:
    text = f"# syntax={syntax}\nFROM scratch\nCOPY a.txt /\n"
    if known:
        assert shown(bench.build(text)) == {"/a.txt": "a"}
        return
    with pytest.raises(WorldError, match="syntax"):
        bench.build(text)


WRONG = {
    "no such file": ("COPY nothing /x", "2:6: there is no nothing in the context"),
    "no such folder": ("COPY dir/none/x /x", "2:6: there is no dir/none/x in the context"),
    "left out": ("COPY out /x", "2:6: out is left out of the context by .dockerignore, or leads out of it"),
    "dangling": ("COPY dangling /x", "2:6: dangling is left out of the context by .dockerignore, or leads out of it"),
    "not in a stage": ("COPY --from=0 /x /y\n", "2:6: COPY --from takes a stage that stands before this one"),
    "several to a file": ("COPY a.txt b.txt /x", "2:18: with several sources the target is a folder: end it with /"),
    "a pattern to a file": ("COPY *.txt /x", "2:6: *.txt fits 2 files: end the target with /"),
    "no pattern": ("COPY [ /x", "2:6: [ is no pattern"),
    "a file over a folder": ("COPY dir /x\nCOPY a.txt /x/sub", None),
    "a folder over a file": ("COPY a.txt /x\nCOPY dir /x", "3:6: /x is a file in the image, and no folder"),
    "an unknown user": (
        "COPY --chown=app a.txt /",
        "2:6: the image knows no user or group app (/etc/passwd, /etc/group)",
    ),
    "no mode": ("COPY --chmod=999 a.txt /", "2:6: 999 is no mode: 755, or u=rwX,go=rX"),
    "no port": ("EXPOSE http", "2:1: http is no port: 80, 53/udp or 8000-8010"),
    "no range": ("EXPOSE 9-8", "2:1: 9-8 is no range of ports up to 65535"),
    "no protocol": ("EXPOSE 8/icmp", "2:1: icmp is no protocol of a port: tcp, udp or sctp"),
    "no signal": ("STOPSIGNAL STOPIT", "2:12: STOPIT is no signal: SIGTERM, or a number"),
    "no duration": ("HEALTHCHECK --interval=5 CMD x", "2:1: 5 is no duration: 30s, 1m30s"),
    "no number": ("HEALTHCHECK --retries=x CMD x", "2:1: --retries is a number, not x"),
    "no word": ("ENV a=${b", "2:1: the } of a variable is missing"),
    "demanded": ('ARG V\nLABEL v="${V:?give it}"', "3:1: V: give it"),
    "an empty volume": ("VOLUME $X", "2:1: the path of a VOLUME is empty"),
    "a whiteout": (
        "COPY .wh.x /",
        "2:6: /.wh.x: a file whose name begins with .wh. would take another one away",
    ),
}


@pytest.mark.parametrize(("lines", "expected"), WRONG.values(), ids=WRONG)
def test_what_goes_wrong_is_told_at_its_place(bench: Bench, lines: str, expected: str | None) -> None:
    files = {**FILES, "out": "o", ".wh.x": "", ".dockerignore": "out\n"}
    if expected is None:
        assert "/x/sub/a.txt" in shown(bench.build(f"FROM scratch\n{lines}\n", files))
        return
    with pytest.raises(InputError) as caught:
        bench.build(f"FROM scratch\n{lines}\n", files)
    place, _, what = expected.partition(": ")
    assert (caught.value.where, caught.value.what) == (f"Dockerfile:{place}", what)
    assert caught.value.exit_code == 2
    assert "^" in caught.value.details[1]


def test_a_folder_in_the_place_of_a_file_and_the_other_way(bench: Bench) -> None:
    with pytest.raises(InputError, match="is a folder in the image, and a file in the source"):
        bench.build("FROM scratch\nCOPY one /\nCOPY two /\n", {"one/x/y": "", "two/x": ""})
    with pytest.raises(InputError, match="is a file in the image, and a folder in the source"):
        bench.build("FROM scratch\nCOPY two /\nCOPY one /\n", {"one/x/y": "", "two/x": ""})


@pytest.mark.parametrize(
    ("body", "where", "what"),
    [
        (b"FROM scratch\nCPY a b\n", "Dockerfile:2:1", "there is no instruction CPY: did you mean COPY?"),
        (b"FROM scratch\n\xff\n", "Dockerfile:2:1", "not UTF-8: save the file as UTF-8"),
        (b"", "Dockerfile:1:1", "there are no instructions"),
    ],
)
def test_a_file_that_is_no_dockerfile(bench: Bench, body: bytes, where: str, what: str) -> None:
    (bench.folder / "Dockerfile").write_bytes(body)
    request = BuildRequest(name="x", context=Path("context"), dockerfile=Path("Dockerfile"), root=bench.folder)
    with pytest.raises(InputError) as caught, Oci(Setup()) as engine:
        engine.build(request, bench.folder / "layout")
    assert (caught.value.id, caught.value.where, caught.value.what) == ("bad-dockerfile", where, what)


def test_what_is_not_there(bench: Bench) -> None:
    missing: list[dict[str, Any]] = [{"dockerfile": Path("None")}, {"context": Path("none")}]
    for values in missing:
        with pytest.raises(InputError) as caught:
            bench.build("FROM scratch\n", **values)
        assert caught.value.id == "bad-path"


@pytest.mark.parametrize("line", ["[", "!"])
def test_a_bad_ignore_file_is_told_with_its_line(bench: Bench, line: str) -> None:
    with pytest.raises(InputError) as caught:
        bench.build("FROM scratch\nCOPY . /\n", {".dockerignore": f"a\n{line}\n"})
    assert (caught.value.id, caught.value.where) == ("bad-dockerignore", ".dockerignore:2:1")


@pytest.mark.parametrize("platform", ["linux", "windows/amd64", "a b"])
def test_a_platform_that_is_none_of_linux(bench: Bench, platform: str) -> None:
    with pytest.raises(InputError) as caught:
        bench.build("FROM scratch\n", platforms=(platform,))
    assert caught.value.id == "bad-platform"


def test_an_archive_with_a_name_that_takes_away(bench: Bench) -> None:
    files = {"x.tar": archive([file("d/.wh.x", "")], "")}
    with pytest.raises(InputError, match="would take another one away"):
        bench.build("FROM scratch\nADD x.tar /\n", files)


# As one of the engines.


def test_it_is_the_last_of_the_engines_and_always_works() -> None:
    assert list(ENGINES)[-1] == "oci"
    with ENGINES["oci"](Setup()) as engine:
        found = engine.detect()
    assert found.works
    assert "without RUN" in found.reason


def test_it_says_what_it_lacks(bench: Bench) -> None:
    (bench.folder / "Dockerfile").write_text("FROM scratch\nRUN x\n")
    request = BuildRequest(name="x", context=Path("context"), dockerfile=Path("Dockerfile"), root=bench.folder)
    with Oci(Setup()) as engine:
        assert (engine.lacks(request) or "").startswith("Dockerfile:2:1: RUN needs")
        assert "attest" in (engine.lacks(dataclasses.replace(request, attest=("type=provenance",))) or "")
        (bench.folder / "Dockerfile").write_text("FROM scratch\n")
        assert engine.lacks(request) is None


def test_it_runs_nothing(bench: Bench) -> None:
    layout = bench.build("FROM scratch\n")
    with Oci(Setup()) as engine:
        for ask in (
            lambda: engine.load(layout),
            lambda: engine.run("x", ["y"]),
            lambda: engine.start("x"),
            lambda: engine.logs(Container("x")),
            lambda: engine.state(Container("x")),
            lambda: engine.addresses(Container("x"), 1),
        ):
            with pytest.raises(WorldError) as caught:
                ask()
            assert caught.value.id == "engine-missing"
        engine.stop(Container("x"))
        engine.remove(Container("x"))


def test_a_build_ends_when_it_is_stopped(bench: Bench) -> None:
    (bench.folder / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    request = BuildRequest(name="x", context=Path("context"), dockerfile=Path("Dockerfile"), root=bench.folder)
    engine = Oci(Setup())
    engine.close()
    with pytest.raises(WorldError, match="stopped"):
        engine.build(request, bench.folder / "layout")


def test_nothing_is_left_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = bench.folder / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    bench.build("FROM scratch\nADD x.tar /\n", {"x.tar": archive([symlink("a", "b"), Item("d")], "")})
    assert list(temporary.iterdir()) == []
