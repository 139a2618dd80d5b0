"""Tests of images that need no engine: files and metadata from the layers, words, reports."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from pydantic import TypeAdapter

from pipelinegen.config import images as config
from pipelinegen.edge.filesystem import Entry
from pipelinegen.edge.image_tests import run_tests
from pipelinegen.edge.image_tests.files import mode_string
from pipelinegen.edge.image_tests.junit import junit
from pipelinegen.edge.image_tests.served import Answer, Probe, compare
from pipelinegen.edge.image_tests.spec import Case, TestReport
from pipelinegen.edge.image_tests.variables import expand
from pipelinegen.edge.layout import Layout
from tests.support.layers import Item, file, folder, make_layout, symlink

ADAPTER = TypeAdapter(config.Tests)
LAYERS = [
    [
        folder("data"),
        file("data/file", "hello world\n", mode=0o640, uid=12, gid=34),
        file("data/gone", "x"),
        file("data/run", "#!x", mode=0o4750),
        file("data/bytes", b"caf\xc3\xa9 \xff end"),
        folder("data/sub", mode=0o1777),
        file("data/sub/deep", "d"),
        Item("data/link", link="file", mode=0o777),
        symlink("data/dangling", "/nowhere"),
        symlink("data/dirlink", "sub"),
        Item("data/pipe", mode=0o644, type=tarfile.FIFOTYPE),
    ],
    [file("data/.wh.gone")],
]
CONFIG: dict[str, object] = {
    "Env": ["PATH=/bin", "D=/data", "EMPTY="],
    "Labels": {"org.name": "value"},
    "ExposedPorts": {"8080/tcp": {}, "9090/udp": {}},
    "Volumes": {"/vol": {}},
    "Entrypoint": ["/app", "-x"],
    "WorkingDir": "/data",
    "User": "12:34",
}


def parse(content: object) -> config.Tests:
    return ADAPTER.validate_json(json.dumps(content))


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return make_layout(tmp_path_factory.mktemp("image") / "layout", LAYERS, config=CONFIG)


def run(layout: Layout, content: object) -> TestReport:
    return run_tests(parse(content), layout, layout.images()[0].digest, name="api")


EXISTENCE: list[tuple[dict[str, Any], str]] = [
    ({"path": "/data/file", "permissions": "-rw-r-----", "uid": 12, "gid": 34}, ""),
    ({"path": "data/file"}, ""),
    ({"path": "${D}/file"}, ""),
    ({"path": "/data/gone", "shouldExist": False, "permissions": "-rw-r--r--"}, ""),
    ({"path": "/data/run", "permissions": "urwxr-x---", "isExecutableBy": "group"}, ""),
    ({"path": "/data/sub", "permissions": "dtrwxrwxrwx"}, ""),
    ({"path": "/data/sub/"}, ""),
    ({"path": "/data/dirlink/deep"}, ""),
    ({"path": "/data/dirlink/"}, ""),
    ({"path": "/data/dangling"}, ""),
    ({"path": "/data/link", "permissions": "Lrwxrwxrwx", "isExecutableBy": "any"}, ""),
    ({"path": "/"}, ""),
    ({"path": "/data/gone"}, "/data/gone is not in the image"),
    ({"path": "/data/file/"}, "/data/file/ is not in the image"),
    ({"path": "/data/file", "shouldExist": False}, "/data/file is in the image (-rw-r-----)"),
    ({"path": "/data/file", "permissions": "-rwxr-xr-x"}, "has the permissions -rw-r-----, not -rwxr-xr-x"),
    ({"path": "/data/file", "uid": 0}, "belongs to the user 12, not 0"),
    ({"path": "/data/file", "gid": 0}, "belongs to the group 34, not 0"),
    ({"path": "/data/link", "uid": 12}, "belongs to the user 0, not 12"),
    ({"path": "/data/file", "isExecutableBy": "any"}, "is not executable by any"),
    ({"path": "/data/run", "isExecutableBy": "other"}, "is not executable by other"),
]


@pytest.mark.parametrize(("test", "told"), EXISTENCE, ids=[json.dumps(test) for test, _ in EXISTENCE])
def test_existence(layout: Layout, test: dict[str, Any], told: str) -> None:
    (case,) = run(layout, {"fileExistenceTests": [{"name": "t", **test}]}).cases
    assert (case.kind, case.passed) == ("file-existence", not told)
    assert told in case.message


CONTENT: list[tuple[dict[str, Any], str]] = [
    ({"path": "/data/file", "expectedContents": ["^hello", "world\n$"], "excludedContents": ["bye"]}, ""),
    ({"path": "/data/link", "expectedContents": ["hello"]}, ""),
    ({"path": "/data/bytes", "expectedContents": ["café . end"]}, ""),
    ({"path": "/data/file", "expectedContents": ["^hello world$"]}, "'^hello world$' is not found in /data/file"),
    ({"path": "/data/file", "excludedContents": ["wor"]}, "'wor' is found in /data/file, which is 'hello world\\n'"),
    ({"path": "/data/file", "expectedContents": ["x", "y"]}, "'y' is not found"),
    ({"path": "/data/gone", "excludedContents": ["x"]}, "/data/gone is not in the image"),
    ({"path": "/data/dangling"}, "/data/dangling is not in the image"),
    ({"path": "/data/sub"}, "/data/sub is no file but a folder"),
    ({"path": "/data/pipe"}, "/data/pipe is no file but a fifo"),
    ({"path": "$D/file"}, "$D/file is not in the image"),
]


@pytest.mark.parametrize(("test", "told"), CONTENT, ids=[json.dumps(test) for test, _ in CONTENT])
def test_content(layout: Layout, test: dict[str, Any], told: str) -> None:
    (case,) = run(layout, {"fileContentTests": [{"name": "t", **test}]}).cases
    assert (case.kind, case.passed) == ("file-content", not told)
    assert told in case.message


METADATA: list[tuple[dict[str, Any], str]] = [
    ({"envVars": [{"key": "D", "value": "/data"}, {"key": "EMPTY", "value": ""}]}, ""),
    ({"env": [{"key": "PATH", "value": "^/b", "isRegex": True}]}, ""),
    ({"unboundEnv": [{"key": "NOPE"}]}, ""),
    ({"labels": [{"key": "org.name", "value": "v.l", "isRegex": True}]}, ""),
    ({"exposedPorts": ["8080", "9090"], "unexposedPorts": ["1"]}, ""),
    ({"volumes": ["/vol"], "unmountedVolumes": ["/data"]}, ""),
    ({"entrypoint": ["/app", "-x"], "cmd": [], "workdir": "/data", "user": "12:34"}, ""),
    ({"workdir": "", "user": ""}, ""),
    ({"envVars": [{"key": "D", "value": "/dat"}]}, "the variable D is '/data', not '/dat'"),
    ({"envVars": [{"key": "D", "value": "^x", "isRegex": True}]}, "in which '^x' is not found"),
    ({"env": [{"key": "NOPE", "value": ""}]}, "the variable NOPE is not set"),
    ({"unboundEnv": [{"key": "D"}]}, "the variable D is set"),
    ({"labels": [{"key": "org", "value": "value"}]}, "the label org is not set"),
    ({"exposedPorts": ["8080/tcp"]}, "the port 8080/tcp is not exposed"),
    ({"unexposedPorts": ["9090"]}, "the port 9090 is exposed"),
    ({"volumes": ["/data"]}, "the volume /data is not declared"),
    ({"unmountedVolumes": ["/vol"]}, "the volume /vol is declared"),
    ({"entrypoint": ["/app"]}, "the entrypoint is ['/app', '-x'], not ['/app']"),
    ({"entrypoint": []}, "the entrypoint is ['/app', '-x'], not []"),
    ({"cmd": ["x"]}, "the command is [], not ['x']"),
    ({"workdir": "/"}, "the working directory is '/data', not '/'"),
    ({"user": "12"}, "the user is '12:34', not '12'"),
]


@pytest.mark.parametrize(("test", "told"), METADATA, ids=[json.dumps(test) for test, _ in METADATA])
def test_metadata(layout: Layout, test: dict[str, Any], told: str) -> None:
    (case,) = run(layout, {"metadataTest": test}).cases
    assert (case.kind, case.passed) == ("metadata", not told)
    assert told in case.message


def test_an_image_without_any_configuration_has_nothing_set(tmp_path: Path) -> None:
    bare = make_layout(tmp_path / "layout", [[]])
    test = {"unboundEnv": [{"key": "PATH"}], "unexposedPorts": ["80"], "entrypoint": [], "cmd": []}
    assert run(bare, {"metadataTest": test}).passed
    (case,) = run(bare, {"metadataTest": {"user": "root"}}).cases
    assert case.message == "the user is '', not 'root'"


def test_global_variables_are_known_to_paths(layout: Layout) -> None:
    tests = {
        "globalEnvVars": [{"key": "G", "value": "$D/sub"}],
        "fileExistenceTests": [{"name": "t", "path": "$G/deep"}],
    }
    assert run(layout, tests).passed


def test_what_needs_an_engine_fails_without_one_and_says_what_helps(layout: Layout) -> None:
    report = run(
        layout,
        {
            "commandTests": [{"name": "c", "command": "x"}, {"name": "d", "command": "y"}],
            "httpTests": [{"name": "h", "port": 80}],
            "logTests": [{"name": "l", "pattern": "x"}],
            "fileExistenceTests": [{"name": "f", "path": "/data/file"}],
        },
    )
    assert [(case.name, case.kind, case.passed) for case in report.cases] == [
        ("c", "command", False),
        ("d", "command", False),
        ("f", "file-existence", True),
        ("h", "http", False),
        ("l", "log", False),
    ]
    assert [case.name for case in report.failures] == ["c", "d", "h", "l"]
    for case in report.failures:
        assert case.message.startswith("it cannot run: there is no engine to run the image with")
        assert "next: install docker, podman or buildah" in case.message


def test_host_commands_find_the_image_and_nothing_that_is_ours(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "canary-1234")
    monkeypatch.setenv("PIPELINEGEN_TOKEN", "canary-1234")
    script = tmp_path / "look"
    script.write_text('#!/bin/sh\nenv; echo "$1"; test -e "${IMAGE_LAYOUT}/index.json" && test "$PWD" = "$1"\n')
    script.chmod(0o755)
    tests = parse({"hostTests": [{"name": "look", "command": "./look", "args": [str(tmp_path)]}]})
    digest = layout.images()[0].digest
    report = run_tests(tests, layout, digest, name="api", cwd=str(tmp_path))
    assert report.passed, report.cases
    output = report.cases[0].output
    assert f"IMAGE=oci:{layout.folder}" in output
    assert f"IMAGE_DIGEST={digest}" in output
    assert "canary" not in output
    named = run_tests(tests, layout, digest, name="api", reference="ghcr.io/acme/api:1", cwd=str(tmp_path))
    assert "IMAGE=ghcr.io/acme/api:1\n" in named.cases[0].output


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ({"command": "sh", "args": ["-c", "echo why; exit 4"]}, "it exited with 4"),
        ({"command": "no-such-program"}, "it cannot run: the program 'no-such-program' is not installed"),
        ({"command": "sleep", "args": ["100"], "timeout": "100ms"}, "it cannot run: sleep did not finish in time"),
    ],
    ids=["fails", "missing", "hangs"],
)
def test_a_host_command_that_fails_or_cannot_run(layout: Layout, command: dict[str, Any], told: str) -> None:
    (case,) = run(layout, {"hostTests": [{"name": "t", **command}]}).cases
    assert not case.passed
    assert case.message.startswith(told)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("$A-${A}-$AB", "a-a-"),
        ("${A", "A"),
        ("${}x", "x"),
        ("$$A", "A"),
        ("$1x$*", "x"),
        ("${$}", ""),
        ("$", "$"),
        ("$ $.", "$ $."),
        ("é$A", "éa"),
        ("$Aé", "aé"),
        ("${A B}", "ab"),
        ("\\$A", "\\a"),
    ],
)
def test_variables_are_replaced_as_by_go(text: str, result: str) -> None:
    assert expand(text, {"A": "a", "A B": "ab"}) == result


@pytest.mark.parametrize(
    ("kind", "mode", "shown"),
    [
        ("file", 0o644, "-rw-r--r--"),
        ("folder", 0o755, "drwxr-xr-x"),
        ("symlink", 0o777, "Lrwxrwxrwx"),
        ("fifo", 0o600, "prw-------"),
        ("character", 0o666, "Dcrw-rw-rw-"),
        ("block", 0o660, "Drw-rw----"),
        ("file", 0o6755, "ugrwxr-xr-x"),
        ("folder", 0o3777, "dgtrwxrwxrwx"),
        ("file", 0, "----------"),
    ],
)
def test_a_mode_is_shown_as_by_go(kind: Any, mode: int, shown: str) -> None:
    assert mode_string(Entry("/x", kind, mode, 0, 0)) == shown


@pytest.mark.parametrize(
    ("probe", "told"),
    [
        (Probe("/", 80), []),
        (Probe("/", 80, headers={"Content-Type": "^text/"}, body=("^ok$", "line")), []),
        (Probe("/up", 80, status=204), ["/up answers with the status 200, not 204: 'first\\nok\\nline'"]),
        (Probe("/", 80, headers={"X-Y": "."}), ["the answer has no header X-Y"]),
        (
            Probe("/", 80, headers={"content-type": "json"}),
            ["the header content-type is 'text/plain', in which 'json' is not found"],
        ),
        (Probe("/", 80, body=("nope",)), ["'nope' is not found in the answer, which is 'first\\nok\\nline'"]),
    ],
)
def test_an_answer_is_held_to_what_is_asked(probe: Probe, told: list[str]) -> None:
    assert compare(probe, Answer(200, {"content-type": "text/plain"}, "first\nok\nline")) == told


def test_the_report_is_junit_that_parses_whatever_the_image_writes() -> None:
    nasty = 'a"b<c>&d\x00\x1b[31m]]>\ud800 é'
    cases = (
        Case("up", "http", True, 0.25, output="started"),
        Case(nasty, "command", False, 1.5, f"first {nasty}\nsecond", nasty),
    )
    text = junit([TestReport("api", "linux/amd64", cases), TestReport("web", None, ())])
    root = ET.fromstring(text.encode())
    assert root.attrib == {"name": "pipelinegen", "tests": "2", "failures": "1", "errors": "0", "time": "1.750"}
    api, web = root
    assert (api.get("name"), api.get("tests"), api.get("failures")) == ("api (linux/amd64)", "2", "1")
    assert (web.get("name"), len(web)) == ("web", 0)
    passed, failed = api
    assert passed.get("classname") == "api (linux/amd64).http"
    assert passed.findtext("system-out") == "started"
    assert passed.find("failure") is None
    failure = failed.find("failure")
    assert failure is not None
    assert failure.text is not None
    assert failure.text.endswith("\nsecond")
    assert failed.get("name") == 'a"b<c>&d\ufffd\ufffd[31m]]>\ufffd é'
