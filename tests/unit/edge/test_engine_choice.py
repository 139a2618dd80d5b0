"""How engines are found, on machines that are told by programs which answer as the real ones do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelinegen.edge.engines import ENGINES, choose, detect_all
from pipelinegen.edge.engines.port import Setup
from pipelinegen.errors import InputError, WorldError

SERVER = {"Version": "28.2.2", "Os": "linux"}
INSPECTED = "Name:          {name}\nDriver:        {driver}\n\nNodes:\nName:   {name}0\nStatus: running\n"


class Machine:
    """A PATH of our own; each program answers its arguments with an exit code and texts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()

    def program(self, name: str, *answers: tuple[str, int, str, str]) -> None:
        """answers: a pattern of the shell's for the arguments, exit code, standard output, standard error."""
        cases = []
        for number, (pattern, code, out, err) in enumerate(answers):
            for kind, text in (("out", out), ("err", err)):
                (self.folder / f"{name}-{number}.{kind}").write_text(text)
            base = self.folder / f"{name}-{number}"
            cases.append(f"{pattern}) /bin/cat {base}.out; /bin/cat {base}.err >&2; exit {code};;")
        path = self.bin / name
        path.write_text('#!/bin/sh\ncase "$*" in\n' + "\n".join(cases) + "\n*) exit 97;;\nesac\n")
        path.chmod(0o755)

    def docker(self, client: str, server: object, *more: tuple[str, int, str, str], error: str = "") -> None:
        content = {"Client": {"Version": client}, "Server": server}
        code = 0 if server is not None else 1
        self.program("docker", ("version*", code, json.dumps(content), error), *more)

    def buildx(
        self, driver: str, status: str = "[]", version: str = "v0.30.1"
    ) -> tuple[tuple[str, int, str, str], ...]:
        return (
            ("'buildx version'", 0, f"github.com/docker/buildx {version} 9e66234\n", ""),
            ("'buildx inspect'", 0, INSPECTED.format(name="mine", driver=driver), ""),
            ("info*", 0, status, ""),
        )

    def setup(self, **values: str) -> Setup:
        return Setup(environ={"PATH": str(self.bin), "HOME": str(self.folder), **values})


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


NO_BUILDX = ("'buildx version'", 1, "", "docker: unknown command: docker buildx\n")


def reasons(machine: Machine, **values: str) -> dict[str, str]:
    return {found.name: found.reason for found in detect_all(machine.setup(**values)) if found.name != "oci"}


def test_on_a_bare_machine_nothing_is_installed(machine: Machine) -> None:
    assert reasons(machine) == dict.fromkeys(("buildx", "docker", "podman", "buildah"), "not installed")


def test_without_any_engine_the_built_in_one_is_chosen_and_it_is_said_what_the_others_lack(machine: Machine) -> None:
    engine, why = choose("auto", machine.setup())
    assert engine.name == "oci"
    assert "(buildx: not installed; docker: not installed; podman: not installed; buildah: not installed)" in why
    assert choose("oci", machine.setup())[0].name == "oci"


def test_the_first_that_works_is_chosen_and_it_is_said_why(machine: Machine) -> None:
    machine.docker("28.2.2", SERVER, *machine.buildx("docker-container"))
    engine, why = choose("auto", machine.setup())
    assert engine.name == "buildx"
    assert why == "buildx 0.30.1 with the builder mine (driver docker-container)"


def test_a_builder_that_cannot_write_a_layout_gives_way_to_docker(machine: Machine) -> None:
    machine.docker("28.2.2", SERVER, *machine.buildx("docker"))
    engine, why = choose("auto", machine.setup())
    assert engine.name == "docker"
    assert why.startswith("docker 28.2.2 with BuildKit (buildx: its builder mine uses the driver docker, which cannot")
    assert "docker buildx create --use" in why


def test_a_buildx_that_was_built_from_its_source_does_not_know_its_version(machine: Machine) -> None:
    machine.docker("28.2.2", SERVER, *machine.buildx("remote", version="v0.0.0+unknown"))
    assert choose("auto", machine.setup())[1] == "buildx 0.0.0+unknown with the builder mine (driver remote)"


def test_with_the_image_store_of_containerd_the_same_builder_can(machine: Machine) -> None:
    status = '[["driver-type","io.containerd.snapshotter.v1"]]'
    machine.docker("28.2.2", SERVER, *machine.buildx("docker", status))
    assert choose("auto", machine.setup())[0].name == "buildx"


@pytest.mark.parametrize(
    ("client", "plugin", "environ", "builder"),
    [
        ("20.10.24+dfsg1", False, {}, "BuildKit"),
        ("20.10.24+dfsg1", False, {"DOCKER_BUILDKIT": "0"}, "the classic builder"),
        ("28.2.2", False, {}, "the classic builder"),
        ("28.2.2", True, {}, "BuildKit"),
        ("28.2.2", True, {"DOCKER_BUILDKIT": "0"}, "the classic builder"),
    ],
)
def test_which_builder_docker_has(
    machine: Machine, client: str, plugin: bool, environ: dict[str, str], builder: str
) -> None:
    machine.docker(client, SERVER, *(machine.buildx("docker") if plugin else [NO_BUILDX]))
    assert choose("docker", machine.setup(**environ))[1] == f"docker {client} with {builder}, as asked"


@pytest.mark.parametrize(
    ("client", "server", "error", "reason"),
    [
        ("28.2.2", None, "Cannot connect to the Docker daemon at unix:///x.\n", "Cannot connect to the Docker daemon"),
        ("28.2.2", None, "", "its daemon does not answer"),
        ("19.03.8", SERVER, "", "docker 19.03.8 is older than 20.10"),
        ("28.2.2", {"Version": "18.09.1", "Os": "linux"}, "", "its daemon 18.09.1 is older than 20.10"),
        ("28.2.2", {"Version": "28.2.2", "Os": "windows"}, "", "its daemon runs windows containers"),
    ],
)
def test_a_docker_that_does_not_work_says_why(
    machine: Machine, client: str, server: object, error: str, reason: str
) -> None:
    machine.docker(client, server, NO_BUILDX, error=error)
    assert reasons(machine)["docker"].startswith(reason)
    with pytest.raises(WorldError, match="the engine docker does not work here") as told:
        choose("docker", machine.setup())
    assert told.value.id == "engine-missing"
    assert reason in told.value.what


def test_podman_under_dockers_name_is_no_docker(machine: Machine) -> None:
    machine.program("docker", ("version*", 0, json.dumps({"Client": {"Version": "4.9.3"}}), ""), ("*", 125, "", ""))
    machine.program("podman", ("info*", 0, json.dumps({"version": {"Version": "4.9.3"}}), ""))
    assert reasons(machine)["docker"] == "it is podman under docker's name"
    assert choose("auto", machine.setup())[0].name == "podman"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ((("'buildx version'", 0, "github.com/docker/buildx v0.9.1 x\n", ""),), "buildx 0.9.1 is older than 0.10"),
        (
            (
                ("'buildx version'", 0, "github.com/docker/buildx v0.30.1 x\n", ""),
                ("'buildx inspect'", 1, "", 'ERROR: no builder "gone" found\n'),
            ),
            'ERROR: no builder "gone" found',
        ),
        (
            (
                ("'buildx version'", 0, "github.com/docker/buildx v0.30.1 x\n", ""),
                ("'buildx inspect'", 0, "Name: r\nDriver: remote\n\nNodes:\nName: r0\nError: dial unix: refused\n", ""),
            ),
            "its builder r does not work: dial unix: refused",
        ),
        ((NO_BUILDX,), "docker has no plugin buildx"),
    ],
    ids=["old", "no builder", "builder down", "no plugin"],
)
def test_a_buildx_that_does_not_work_says_why(
    machine: Machine, fault: tuple[tuple[str, int, str, str], ...], reason: str
) -> None:
    machine.docker("28.2.2", SERVER, *fault)
    assert reasons(machine)["buildx"] == reason


@pytest.mark.parametrize(
    ("name", "answers", "reason"),
    [
        ("podman", [("info*", 0, '{"version":{"Version":"3.4.4"}}', "")], "podman 3.4.4 is older than 4.3"),
        ("podman", [("info*", 125, "", "x\nError: cannot re-exec process\n")], "Error: cannot re-exec process"),
        ("podman", [("info*", 0, "[]", "")], "it does not say its version"),
        ("buildah", [("version*", 0, '{"version":"1.23.1"}', "")], "buildah 1.23.1 is older than 1.28"),
        ("buildah", [("version*", 1, "", "unknown flag: --json\n")], "unknown flag: --json"),
        (
            "buildah",
            [("version*", 0, '{"version":"1.33.7"}', ""), ("info*", 125, "", "Error: mount /x: not permitted\n")],
            "Error: mount /x: not permitted",
        ),
    ],
)
def test_the_others_say_why_they_do_not_work(
    machine: Machine, name: str, answers: list[tuple[str, int, str, str]], reason: str
) -> None:
    machine.program(name, *answers)
    assert reasons(machine)[name] == reason


def test_a_program_that_does_not_answer_is_not_waited_for(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelinegen.edge.engines.podman.DETECT_SECONDS", 0.2)
    (machine.bin / "podman").write_text("#!/bin/sh\nexec /bin/sleep 100\n")
    (machine.bin / "podman").chmod(0o755)
    assert reasons(machine)["podman"] == "podman did not finish in time and was ended"


def test_a_broken_file_of_credentials_is_a_reason_not_a_crash(machine: Machine) -> None:
    machine.docker("28.2.2", SERVER, NO_BUILDX)
    (machine.folder / ".docker").mkdir()
    (machine.folder / ".docker" / "config.json").write_text("{")
    assert reasons(machine)["docker"].startswith("this file of registry credentials is broken")


def test_a_name_that_is_none_is_told_with_those_that_are() -> None:
    with pytest.raises(InputError, match='"dokcer" is no engine; there are auto, buildx, docker, podman, buildah, oci'):
        choose("dokcer")


def test_looking_leaves_nothing_behind(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = machine.folder / "memory"
    memory.mkdir()
    monkeypatch.setattr("pipelinegen.edge.engines.programs._MEMORY", memory)
    machine.docker("28.2.2", SERVER, *machine.buildx("docker"))
    for name in ("docker", "buildx"):
        with ENGINES[name](machine.setup()) as engine:
            engine.detect()
            assert len(list(memory.iterdir())) == 1
        assert not list(memory.iterdir())
