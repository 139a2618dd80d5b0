"""The built-in engine against docker (BuildKit): the same files and settings from the same Dockerfiles."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.engines.oci import Oci
from pipelinegen.edge.engines.port import BuildRequest, Setup
from pipelinegen.edge.registry import Registry
from pipelinegen.edge.registry.upload import push
from pipelinegen.images.reference import parse
from tests.support.contexts import ARCHIVED, FILES, archive, base_layout, files_of, settings_of, write_context
from tests.support.dockerd import busybox
from tests.support.engines import Bench, open_bench
from tests.support.registry import start_registry

CREATED = dt.datetime(2026, 3, 7, 15, 4, 9, tzinfo=dt.timezone.utc)

SCRATCH = {
    "settings": """\
FROM scratch
ARG VERSION=1.2
ENV A=$VERSION B="two words" C=c\\ d
ENV A=new D=$A
ENV OLD style here
LABEL one=1 "two words"="x $A" three=${MISSING:-default} four=${A:+yes}
MAINTAINER someone <a@b.example>
EXPOSE 80 53/udp 9000-9002
VOLUME ["/data", "/more"]
VOLUME /third $A
USER 10:20
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --timeout=1m30s --retries=4 CMD curl -f http://localhost/ || exit 1
ENTRYPOINT ["/app", "--x"]
CMD ["$A", "b"]
COPY a.txt /
""",
    "shell forms": """\
FROM scratch
COPY a.txt /
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENTRYPOINT echo $HOME
CMD echo "hi  there"
HEALTHCHECK NONE
""",
    "a file": "FROM scratch\nCOPY a.txt /b\nCOPY a.txt /dir/\nCOPY a.txt b.txt /two/\nCOPY run.sh private /m/\n",
    "a folder": "FROM scratch\nCOPY dir /d\nCOPY dir/ /e/\nCOPY dir /f/g/h\nCOPY closed /c\n",
    "into what is there": "FROM scratch\nCOPY dir /d\nCOPY a.txt /d\nCOPY closed /d\nCOPY dir/sub /d/sub\n",
    "everything": "FROM scratch\nCOPY . /all/\n",
    "wildcards": "FROM scratch\nCOPY *.txt /t/\nCOPY b* /m/\nCOPY dir/s* dir/o* /h/\nCOPY [ab].txt ?.txt /c/\n",
    "odd names": 'FROM scratch\nCOPY ["with space", "näme", "/n/"]\nCOPY [[]odd] /o\nCOPY "a.txt" /quoted\n',
    "links": "FROM scratch\nCOPY link /l\nCOPY absolute /a\nCOPY dirlink /d\nCOPY dir/inner /i\n",
    "owner and mode": """\
FROM scratch
COPY dir /d
COPY --chown=5:6 --chmod=640 dir /d
COPY --chown=7 a.txt /new/folder/a
COPY --chown=root:9 --chmod=711 run.sh /r
COPY --chmod=0700 dir/one /new/folder/one
""",
    "working folder": """\
FROM scratch
WORKDIR /w
WORKDIR x/../y
COPY a.txt .
COPY a.txt ./sub/
COPY a.txt b
COPY dir ./
""",
    "stages": """\
ARG NAME=one
FROM scratch AS One
ARG NAME
ENV E=e
COPY --chown=3:4 dir /d
CMD ["kept"]
FROM ${NAME} AS two
COPY --from=one /d/one /d/sub/three /x/
COPY --from=0 /d /y
ENTRYPOINT ["e"]
LABEL e=$E name=$NAME
FROM two
COPY --from=one --chown=1:1 /d/one /z
""",
    "archives": """\
FROM scratch
ADD some.tar.gz /g
ADD some.tar.bz2 some.tar.xz /more/
ADD some.tar /
ADD a.txt some.txt.gz /plain/
COPY some.tar.gz /copied
""",
    "comments": """\
# escape=`
# syntax is no directive here
FROM scratch
COPY a.txt `
  # between
  b.txt `

  /c:`d/
ENV A=`$B
""",
    "a pattern in a variable": "FROM scratch\nARG P=*.txt\nENV TO=/to/\nCOPY $P ${TO}\nCOPY run${P:+.sh} /sh/\n",
}
UPON = {
    "settings of the base": 'FROM base\nENV BASE=$BASE/three NEW=$PATH\nLABEL from=me\nENTRYPOINT ["/bin/tool"]\n',
    "into its folders": """\
FROM base
COPY a.txt /etc
COPY a.txt /tmp/deep/a
COPY dir /opt
COPY a.txt /lib/
COPY b.txt /lib/b
COPY a.txt /var/run/x/
COPY a.txt /etc/alias
COPY a.txt rel
""",
    "its users": """\
FROM base
COPY --chown=app a.txt /1
COPY --chown=app:www a.txt /2
COPY --chown=1000:www a.txt /3
COPY --chown=root:root a.txt /4
WORKDIR /made/by/app
USER 44:55
WORKDIR /made/by/44
""",
    "copied from it": """\
FROM base AS b
FROM scratch
COPY --from=b /bin /bin
COPY --from=b /home/app /h
COPY --from=b /etc/motd /lib/l /f/
COPY --from=base /etc/al* /star/
COPY --from=b /tmp /t
""",
    "over its files": "FROM base\nCOPY a.txt /etc/motd\nCOPY --chmod=600 b.txt /bin/tool\nADD some.tar /\n",
}
# Docker 20.10's BuildKit knows no here-documents without a frontend from a registry.
IGNORED = {
    "left out": "*.txt\n!b.txt\ndir/sub\n",
    "all but some": "*\n!dir/sub/three\n!a.txt\n",
    "deep": "**/three\n/dir/o*\n# no\n\n  private  \n",
    "the target of a link": "a.txt\ndir/one\n",
}


@pytest.fixture(scope="module")
def buildkit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench("docker-buildkit", tmp_path_factory) as bench:
        yield bench


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A base image in a registry."""
    folder = tmp_path_factory.mktemp("base")
    with start_registry(folder / "registry") as running:
        name = f"{running.host}/base:1"
        with Registry((), environ={"HOME": str(folder)}) as registry:
            push(registry, parse(name)._replace(tag=None), base_layout(folder / "layout"), ["1"])
        yield name


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archives = {f"some.tar.{kind}": archive(ARCHIVED, kind) for kind in ("gz", "bz2", "xz")}
    more = {**archives, "some.tar": archive(ARCHIVED, ""), "some.txt.gz": archive(ARCHIVED, "gz")[:10]}
    return write_context(tmp_path_factory.mktemp("context"), {**FILES, **more})


def compare(bench: Bench, tmp_path: Path, context: Path, text: str) -> None:
    (tmp_path / "Dockerfile").write_text(text)
    request = BuildRequest(
        name="judged", context=context, dockerfile=tmp_path / "Dockerfile", created=CREATED, root=tmp_path
    )
    with bench.engine() as engine, Oci(Setup(environ={"HOME": str(tmp_path)})) as oci:
        theirs = engine.build(request, tmp_path / "theirs").layout
        ours = oci.build(request, tmp_path / "ours").layout
    one, two = ours.root().digest, theirs.root().digest
    assert settings_of(ours, one) == settings_of(theirs, two)
    assert files_of(ours, one) == files_of(theirs, two)


@pytest.mark.parametrize("text", SCRATCH.values(), ids=SCRATCH)
def test_buildkit_makes_the_same_of_it(buildkit: Bench, tmp_path: Path, files: Path, text: str) -> None:
    compare(buildkit, tmp_path, files, text)


@pytest.mark.parametrize("text", UPON.values(), ids=UPON)
def test_buildkit_makes_the_same_upon_a_base(
    buildkit: Bench, tmp_path: Path, files: Path, base: str, text: str
) -> None:
    compare(buildkit, tmp_path, files, text.replace("FROM base", f"FROM {base}").replace("from=base", f"from={base}"))


@pytest.mark.parametrize("patterns", IGNORED.values(), ids=IGNORED)
def test_buildkit_leaves_the_same_out(buildkit: Bench, tmp_path: Path, patterns: str) -> None:
    context = write_context(tmp_path / "context", {**FILES, ".dockerignore": patterns})
    compare(buildkit, tmp_path, context, "FROM scratch\nCOPY . /all/\nCOPY dir /d\n")


def test_docker_skopeo_and_a_registry_take_what_it_writes(buildkit: Bench, tmp_path: Path, base: str) -> None:
    """Twice with files touched in between: one digest, which docker loads and runs, and pulls by its digest."""
    (tmp_path / "busybox").write_bytes(busybox().read_bytes())
    (tmp_path / "busybox").chmod(0o755)
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY busybox /bin/\nENTRYPOINT ["/bin/busybox"]\n')
    request = BuildRequest("judged", tmp_path, created=CREATED, root=tmp_path)
    with buildkit.engine() as engine, Oci(Setup(environ={"HOME": str(tmp_path)})) as oci:
        first = oci.build(request, tmp_path / "first").layout
        for path in tmp_path.iterdir():
            os.utime(path, (1e9, 1e9))
        layout = oci.build(request, tmp_path / "second").layout
        digest = layout.root().digest
        assert digest == first.root().digest
        assert engine.run(engine.load(layout), ["/bin/busybox", "echo", "loaded"]).stdout == b"loaded\n"
        name = parse(base)._replace(path="ours", tag=None)
        with Registry((), environ={"HOME": str(tmp_path)}) as registry:
            push(registry, name, layout, ["1"])
        pinned = str(name._replace(digest=digest))
        buildkit.program("pull", "--quiet", pinned)
        ran = buildkit.program("run", "--rm", "--network=none", pinned, "echo", "pulled")
        buildkit.program("rmi", pinned)
    assert ran == "pulled\n"
    if shutil.which("skopeo") is not None:
        for place in (f"oci:{layout.folder}", f"docker://{name}:1"):
            words = ["skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}", place]
            words = [word for word in words if place.startswith("docker:") or "tls" not in word]
            assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() == digest
