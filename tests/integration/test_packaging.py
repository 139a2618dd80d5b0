"""What is shipped: a wheel and an sdist that hold what they need, install and run; and what make sets up."""

import email.parser
import hashlib
import os
import runpy
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from packaging.metadata import Metadata

import pipelinegen

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = ROOT / ".ci/environment.py"
LIBRARIES = sysconfig.get_path("purelib")


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A program in a small environment: no PIP_*, no PYTHON*, nothing of the project's own."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "TMPDIR": str(cwd), "LC_ALL": "C.UTF-8", **variables}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def build(source: Path, into: Path, *targets: str) -> list[Path]:
    words = [word for target in targets for word in ("-t", target)]
    done = run(sys.executable, "-m", "hatchling", "build", *words, "-d", into, cwd=source)
    assert done.returncode == 0, done.stderr
    return sorted(into.iterdir())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "sdist", "wheel")
    return folder


@pytest.fixture(scope="module")
def wheel(made: Path) -> Path:
    return next(made.glob("*.whl"))


@pytest.fixture(scope="module")
def sdist(made: Path) -> Path:
    return next(made.glob("*.tar.gz"))


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sources(*folders: str) -> list[str]:
    """The files below these folders of the project."""
    listed = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return sorted(str(path.relative_to(ROOT)) for path in listed if "__pycache__" not in path.parts)


def test_the_wheel_holds_the_package_its_types_and_its_templates(wheel: Path) -> None:
    names = [name for name in contents(wheel) if ".dist-info/" not in name]
    templates = [f"pipelinegen/{path}" for path in sources("templates")]
    assert templates
    assert sorted(names) == sorted([*sources("pipelinegen"), *templates])
    assert "pipelinegen/py.typed" in names


def test_the_sdist_makes_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    assert run("tar", "-xzf", sdist, cwd=tmp_path).returncode == 0
    (source,) = tmp_path.iterdir()
    (again,) = build(source, tmp_path / "wheel", "wheel")
    assert contents(again) == contents(wheel)


def test_the_sdist_holds_what_its_tests_need_and_nothing_of_this_machine(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", ".ci/run", ".ci/environment.py", "README.md", "LICENSE", "pyproject.toml"} <= names
    assert {"action.yml", "requirements.lock", ".github/action/run", ".github/workflows/release.yml"} <= names
    assert set(sources("tests", "docs", "bench", "examples")) <= names
    assert not [name for name in names if name.startswith((".git/", ".venv", ".mypy", ".ruff", ".pytest", "dist"))]
    assert not [name for name in names if "__pycache__" in name]


def test_the_same_source_makes_the_same_bytes(made: Path, tmp_path: Path) -> None:
    again = {path.name: path.read_bytes() for path in build(ROOT, tmp_path, "sdist", "wheel")}
    assert again == {path.name: path.read_bytes() for path in made.iterdir()}


def test_the_metadata_is_valid_and_whole(wheel: Path) -> None:
    files = contents(wheel)
    text = next(data for name, data in files.items() if name.endswith(".dist-info/METADATA"))
    metadata = Metadata.from_email(text, validate=True)
    assert (metadata.name, str(metadata.version)) == ("pipelinegen", pipelinegen.__version__)
    assert (metadata.license_expression, metadata.license_files) == ("Apache-2.0", ["LICENSE"])
    assert str(metadata.requires_python) == ">=3.10"
    assert metadata.description_content_type == "text/markdown"
    assert str(email.parser.BytesParser().parsebytes(text).get_payload()).startswith("# pipelinegen")
    entry = next(data for name, data in files.items() if name.endswith(".dist-info/entry_points.txt"))
    assert entry.decode().split() == ["[console_scripts]", "pipelinegen", "=", "pipelinegen.__main__:main"]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel alone; its libraries are those of the tests, so no network is needed."""
    folder = tmp_path_factory.mktemp("installed")
    made = run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    assert made.returncode == 0, made.stderr
    python = folder / "venv/bin/python"
    options = ("--quiet", "--no-deps", "--no-index")
    done = run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "venv/bin"


def test_the_installed_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    done = run(installed / "pipelinegen", "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"pipelinegen {pipelinegen.__version__}\n")


def test_the_installed_command_plays_the_demo(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import pipelinegen; print(pipelinegen.__file__)", cwd=tmp_path)
    assert where.stdout.startswith(str(installed.parent))
    done = run(installed / "pipelinegen", "demo", cwd=tmp_path, PYTHONPATH=LIBRARIES)
    assert done.returncode == 0, done.stderr
    assert "steps did what they should" in done.stderr


def test_the_installed_command_prints_help_and_schema(installed: Path, tmp_path: Path) -> None:
    for words, expected in ((["bump", "--help"], "Examples:"), (["schema"], '"$schema"')):
        done = run(installed / "pipelinegen", *words, cwd=tmp_path, PYTHONPATH=LIBRARIES)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


CONFIG = """\
version: 1
project: shop
images: {api: {repository: ghcr.io/acme/api}}
manifests:
  repository: https://github.com/acme/manifests
  environments: {staging: {paths: [apps/**]}}
"""
# The steps that need what is shipped: all repositories, the first bump of files, a push and a pull request.
DEMO = """
import sys
from pipelinegen.commands import demo
from pipelinegen.report import Report
story = demo.STORY
names = ("write", "server", "push", "pull-request")
demo.STORY = tuple(step for step in story if step.name in names)
assert len(demo.STORY) == len(names)
sys.exit(demo.run(None, Report(verbosity=-1)))
"""


def test_the_demo_begins_from_the_zipped_wheel(wheel: Path, tmp_path: Path) -> None:
    """To the end it is played by the installed command; here, that nothing of ours needs to be a file."""
    path = os.pathsep.join([str(wheel), LIBRARIES])
    done = run(sys.executable, "-S", "-c", DEMO, cwd=tmp_path, PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())
    (tmp_path / "pipelinegen.yaml").write_text(CONFIG)
    words = ("generate", "--style", "both", "--out", "out")
    generated = run(sys.executable, "-S", "-m", "pipelinegen", *words, cwd=tmp_path, PYTHONPATH=path)
    assert generated.returncode == 0, generated.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"pull", "push"}


# The environment that `make demo` and `make test` make.

STUB = "pip-99.1-py3-none-any.whl"


def stub_pip(folder: Path) -> bytes:
    """A wheel in the shape of pip's, which installs a module that says so."""
    program = (
        "import pathlib, sys\n"
        "target = pathlib.Path(sys.argv[sys.argv.index('--target') + 1])\n"
        "(target / 'pip.py').write_text('installed = ' + repr(sys.argv[1:]))\n"
    )
    with zipfile.ZipFile(folder / STUB, "w") as archive:
        archive.writestr("pip/__main__.py", program)
    return (folder / STUB).read_bytes()


class Index:
    """A package index on loopback with one page and one wheel."""

    def __init__(self, page: str, wheel: bytes) -> None:
        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = {"/simple/pip/": page.encode(), f"/files/{STUB}": wheel}.get(self.path)
                self.send_response(200 if data is not None else 404)
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/simple/"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """Variables under which Python has neither ensurepip nor pip, as on a Debian without python3-venv."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for name in ("ensurepip", "pip"):
        (hidden / f"{name}.py").write_text("raise ImportError('left out')\n")
    return {"PYTHONPATH": str(hidden)}


def page(digest: str) -> str:
    return (
        '<a href="../../files/pip-98.0-py3-none-any.whl">old</a><br/>\n'
        f'<a href="../../files/{STUB}#sha256={digest}" data-requires-python="&gt;=3.9">new</a><br/>\n'
        '<a href="../../files/pip-99.2-py3-none-any.whl" data-requires-python="&gt;=3.99">too new</a><br/>\n'
        '<a href="../../files/pip-99.3.tar.gz">no wheel</a>\n'
    )


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    wheel = stub_pip(tmp_path)
    served = Index(page(hashlib.sha256(wheel).hexdigest()), wheel)
    yield served
    served.close()


def environment(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, ENVIRONMENT, folder / "venv", cwd=folder, **variables)


def test_an_environment_is_made_with_pip(tmp_path: Path) -> None:
    pytest.importorskip("ensurepip", reason="this Python comes without ensurepip")
    done = environment(tmp_path)
    assert done.returncode == 0, done.stderr
    assert run(tmp_path / "venv/bin/python", "-m", "pip", "--version", cwd=tmp_path).returncode == 0


def test_without_ensurepip_and_pip_the_newest_that_fits_is_fetched(
    tmp_path: Path, bare: dict[str, str], index: Index
) -> None:
    done = environment(tmp_path, PIP_INDEX_URL=index.url, **bare)
    assert done.returncode == 0, done.stderr
    (put,) = (tmp_path / "venv").glob("lib/python*/site-packages/pip.py")
    assert "'--target'" in put.read_text()


def test_a_pip_that_is_not_what_the_page_names_is_refused(tmp_path: Path, bare: dict[str, str]) -> None:
    other = Index(page("0" * 64), stub_pip(tmp_path))
    try:
        done = environment(tmp_path, PIP_INDEX_URL=other.url, **bare)
    finally:
        other.close()
    assert done.returncode == 1
    assert "is not the one that it names" in done.stderr
    assert not list((tmp_path / "venv").glob("lib/python*/site-packages/pip*"))


@pytest.mark.parametrize("url", ["http://192.0.2.1/simple", "http://127.0.0.1:1/simple"], ids=["plain-http", "refused"])
def test_without_an_index_the_package_to_install_is_named(tmp_path: Path, bare: dict[str, str], url: str) -> None:
    done = environment(tmp_path, PIP_INDEX_URL=url, **bare)
    assert done.returncode == 1
    assert done.stderr.startswith("error: this Python has neither ensurepip nor pip")
    assert done.stderr.endswith("next: apt-get install python3-venv\n")


def test_an_old_python_is_told_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(sys, "argv", ["environment.py", str(tmp_path / "venv")])
    with pytest.raises(SystemExit, match=r"needs Python 3\.10 or newer"):
        runpy.run_path(str(ENVIRONMENT), run_name="__main__")
    assert not (tmp_path / "venv").exists()
