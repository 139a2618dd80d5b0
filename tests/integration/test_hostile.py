"""The whole command in a hostile manifest repository, application repository and home: a line changes, nothing runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import canary
from tests.support.faults import API, Scene
from tests.support.forges.service import KINDS
from tests.support.repos import LINK, SUBMODULE, Files, Odd, Upstream, git
from tests.support.world import world

PLAIN = "apps/api/deployment.yaml"
ODD_NAMES = ("--output=x.yaml", "-c.yaml", ":(glob)**.yaml", "a\nb.yaml", 'q"uote\\.yaml', "apps/\N{EURO SIGN}.yaml")
TEXT = f"image: {API}:1.0.0\n"


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a file behind where it was run, named after what ran it."""
    folder = tmp_path / "trap"
    folder.mkdir()
    program = folder / "spring"
    program.write_text(f'#!/bin/sh\ntouch "{folder}/sprung-$(basename "$0")-$(basename "$1")"\ncat\n')
    program.chmod(0o755)
    for name in ("pre-commit", "pre-push", "post-checkout", "reference-transaction", "commit-msg", "gpg"):
        (folder / name).symlink_to(program)
    return folder


def configuration(trap: Path) -> str:
    spring = trap / "spring"
    programs = {
        "core": ("fsmonitor", "sshCommand", "pager", "editor", "askPass", "gitProxy", "alternateRefsCommand"),
        "diff": ("external",),
        'diff "evil"': ("textconv", "command"),
        'filter "evil"': ("clean", "smudge", "process"),
        "sequence": ("editor",),
        "interactive": ("diffFilter",),
    }
    lines = []
    for section, names in programs.items():
        lines += [f"[{section}]", *(f"\t{name} = {spring} {name}" for name in names)]
    return "\n".join(
        [
            *lines,
            f"[core]\n\thooksPath = {trap}\n\tattributesFile = {trap}/attributes",
            f"[gpg]\n\tprogram = {trap}/gpg",
            f"[credential]\n\thelper = !{spring} helper",
            "[log]\n\tshowSignature = true\n[commit]\n\tgpgSign = true\n[tag]\n\tgpgSign = true",
            '[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://127.0.0.1\n\tpushInsteadOf = http://127.0.0.1',
            f'[includeIf "gitdir:/"]\n\tpath = {trap}/more\n[include]\n\tpath = {trap}/more',
            f"[alias]\n\tpush = !{spring} alias\n\tclone = !{spring} alias\n\tfetch = !{spring} alias",
            "[http]\n\tproxy = http://127.0.0.1:1\n[push]\n\tfollowTags = true\n\trecurseSubmodules = on-demand",
            f"[uploadpack]\n\tpackObjectsHook = {spring} hook\n[protocol]\n\tallow = never",
        ]
    )


def repository(trap: Path, outside: Path) -> Files:
    """What others may have put into a manifest repository."""
    spring = trap / "spring"
    return {
        PLAIN: f"# evil\nmetadata: {{name: api}}\n{TEXT}tail: no newline",
        ".gitattributes": "* filter=evil diff=evil merge=evil text eol=crlf ident working-tree-encoding=UTF-16\n",
        ".gitmodules": f'[submodule "x"]\n\tpath = sub\n\turl = {outside.parent}\n\tupdate = none\n',
        ".git-hooks/pre-push": Odd("100755", f"#!/bin/sh\n{spring} hook\n".encode()),
        "outside.yaml": Odd(LINK, str(outside).encode()),
        "loop.yaml": Odd(LINK, b"loop.yaml"),
        "folder": Odd(LINK, str(outside.parent).encode()),
        "sub": Odd(SUBMODULE, b"1" * 40),
        **dict.fromkeys(ODD_NAMES, TEXT),
        "run.yaml": Odd("100755", TEXT.encode()),
        "lfs.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + f"\n# {API}:1.0.0\n",
    }


@pytest.fixture(params=KINDS)
def scene(request: pytest.FixtureRequest, tmp_path: Path, trap: Path) -> Iterator[Scene]:
    outside = tmp_path / "outside" / "outside.yaml"
    outside.parent.mkdir()
    outside.write_text(TEXT)
    with world(request.param, tmp_path) as place:
        Upstream(place.repository.path).commit(repository(trap, outside), message="Evil")
        made = Scene.of(place, tmp_path)
        (trap / "more").write_text(f"[core]\n\tfsmonitor = {trap}/spring more\n")
        (trap / "attributes").write_text("* filter=evil diff=evil\n")
        (made.home / ".config" / "git").mkdir(parents=True)
        for path in (".gitconfig", ".config/git/config"):
            (made.home / path).write_text(configuration(trap))
        (made.home / ".netrc").write_text("machine 127.0.0.1 login evil password evil-password\n")
        yield made
        assert outside.read_text() == TEXT


def hostile(scene: Scene, trap: Path) -> dict[str, str]:
    """An environment in which every variable of git's is somebody else's."""
    spring = str(trap / "spring")
    return {
        "XDG_CONFIG_HOME": str(scene.home / ".config"),
        "GIT_CONFIG_GLOBAL": str(scene.home / ".gitconfig"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": f"{spring} variable",
        "GIT_CONFIG_PARAMETERS": f"'core.hooksPath={trap}'",
        "GIT_DIR": str(trap),
        "GIT_WORK_TREE": str(trap),
        "GIT_INDEX_FILE": str(trap / "index"),
        "GIT_OBJECT_DIRECTORY": str(trap / "objects"),
        "GIT_EXEC_PATH": str(trap),
        "GIT_TEMPLATE_DIR": str(trap),
        "GIT_PROXY_COMMAND": spring,
        **{
            f"GIT_{name}": f"{spring} {name}" for name in ("SSH_COMMAND", "ASKPASS", "EDITOR", "PAGER", "EXTERNAL_DIFF")
        },
        **{name: f"{spring} {name}" for name in ("SSH_ASKPASS", "EDITOR", "VISUAL", "PAGER", "BROWSER")},
        "BASH_ENV": spring,
        "ENV": spring,
    }


def sprung(trap: Path) -> list[str]:
    return sorted(name for name in os.listdir(trap) if name.startswith("sprung"))


@pytest.mark.parametrize("deliver", ["push", "pull-request"])
def test_a_line_of_each_file_changes_and_nothing_runs(scene: Scene, trap: Path, deliver: str) -> None:
    place = scene.world
    git(place.folder, "init", "--quiet")
    git(place.folder, "commit", "--quiet", "--allow-empty", "-m", "the application")
    revision = git(place.folder, "rev-parse", "HEAD").decode().strip()
    (place.folder / ".git" / "config").write_text((place.folder / ".git" / "config").read_text() + configuration(trap))
    words = ("--deliver", deliver, "--explain", "--source-revision", revision, "--source-url", "https://e.x/shop")
    ran = place.bump(f"{API}:1.1.0", *words, **hostile(scene, trap))
    assert ran.code == 0, ran.err
    assert sprung(trap) == []
    assert canary.found(ran.out + ran.err) == []

    branch = ran.document["delivery"]["branch"]
    paths = [PLAIN, "run.yaml", *ODD_NAMES]
    for path in paths:
        before = place.repository.git("cat-file", "blob", f"{scene.base}:{path}")
        after = place.repository.git("cat-file", "blob", f"{branch}:{path}")
        assert after == before.replace("1.0.0", "1.1.0"), path
    for path, mode in (("outside.yaml", "120000"), ("sub", "160000"), ("run.yaml", "100755"), (PLAIN, "100644")):
        assert place.repository.git("ls-tree", branch, path).startswith(mode)
    changed = set(Upstream(place.repository.path).changed(branch))
    assert len(changed) == len(paths) + 3  # and those of every world
    assert all(" M " in line for line in changed)
    for name in ("outside.yaml", "loop.yaml", "folder", "sub"):
        assert f"{name}:" in ran.err, f"{name} was not reported"
    assert list(scene.temporary.iterdir()) == []

    newer = git(place.folder, "commit-tree", "-p", revision, "-m", "newer", f"{revision}^{{tree}}").decode().strip()
    again = place.bump(f"{API}:1.2.0", "--deliver", deliver, "--source-revision", newer, **hostile(scene, trap))
    assert again.code == 0, again.err
    late = place.bump(f"{API}:1.1.5", "--deliver", deliver, "--source-revision", revision, **hostile(scene, trap))
    assert (late.code, late.document["result"]) == (0, "superseded"), late.err
    assert sprung(trap) == []


@pytest.mark.parametrize("explain", [True, False])
def test_a_name_cannot_write_a_line_of_its_own(scene: Scene, explain: bool) -> None:
    """A line that begins with `::` is a command to GitHub's runner, wherever it comes from."""
    names = ["x\n::stop-commands::y.yaml", "\x1b[2J\r.yaml", "\N{RIGHT-TO-LEFT OVERRIDE}lmay.yaml"]
    broken = {f"broken/{name}": f"{TEXT}  : [\n" for name in names}
    Upstream(scene.world.repository.path).commit({**dict.fromkeys(names, TEXT), **broken})
    ran = scene.world.run("bump", f"{API}:1.1.0", *scene.world.place(), "--no-verify-image", *["--explain"] * explain)
    assert ran.code == 0, ran.err
    assert ran.err.count("warning: ") == len(broken)
    for text in (ran.err, ran.out):
        assert not any(line.startswith("::") for line in text.splitlines())
        assert all(line.isprintable() for line in text.split("\n") if line[:1] not in "+- ")
    for name in names:
        assert f"image: {API}:1.1.0" in scene.world.repository.git(
            "show", f"{max(scene.world.repository.branches())}:{name}"
        )


def test_the_trap_springs_for_a_plain_git(scene: Scene, trap: Path) -> None:
    """What the tests above would have run with a clone and a commit as scripts make them."""
    script = f"""
        git clone --quiet {scene.world.repository.path} clone && cd clone
        echo >> {PLAIN}; git add {PLAIN}; git commit --quiet -m x; git status
    """
    path = scene.home / ".gitconfig"
    path.write_text(path.read_text().replace("[protocol]\n\tallow = never", ""))
    variables = {**os.environ, "HOME": str(scene.home), "XDG_CONFIG_HOME": str(scene.temporary)}
    subprocess.run(["sh", "-c", script], cwd=scene.temporary, env=variables, capture_output=True, check=False)
    seen = sprung(trap)
    assert any("-smudge" in name or "-process" in name for name in seen), seen
    assert any("-fsmonitor" in name or "-more" in name for name in seen), seen


def test_a_submodule_that_would_run_a_program_is_refused(scene: Scene, trap: Path) -> None:
    text = '[submodule "x"]\n\tpath = sub\n\turl = https://example.com/x\n\tupdate = !touch sprung\n'
    Upstream(scene.world.repository.path).commit({".gitmodules": text})
    ran = scene.world.bump(f"{API}:1.1.0", **hostile(scene, trap))
    assert (ran.code, ran.document["error"]["id"]) == (2, "file-refused")
    assert sprung(trap) == []
