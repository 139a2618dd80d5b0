"""What stands for Jenkins in the tests is held to what Jenkins does, and refuses what it does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.jenkins import Run, World, judge


def run(steps: str, folder: Path, *, functions: str = "", stage: str = "agent any", **more: Any) -> Run:
    """A pipeline of one stage."""
    text = (
        f"{functions}\npipeline {{\nagent none\nstages {{\nstage('A') {{\n{stage}\nsteps {{\n{steps}\n}}\n}}\n}}\n"
        "post {\nalways {\necho 'the end'\n}\n}\n}\n"
    )
    return judge().run(text, World(folder, **more))


REFUSED = {
    "an unknown step": ("ssh 'x'", "No such DSL method 'ssh'"),
    "an unknown step in a block": ("withEnv(['A=b']) {\nssh 'x'\n}", "No such DSL method 'ssh'"),
    "an unknown step in a script": ("script {\nssh 'x'\n}", "No such DSL method 'ssh'"),
    "a stash of nothing": ("stash(name: 's', includes: 'none')", "No files included in stash 's'"),
    "a stash that nobody made": ("unstash 's'", "No such saved stash 's'"),
    "no reports": ("junit(testResults: '*.xml')", "No test report files"),
    "nothing to keep": ("archiveArtifacts(artifacts: '*.txt')", "No artifacts found"),
    "a variable without a name": ("withEnv(['=x']) {\necho 'y'\n}", "no NAME=value"),
    "a credential of another kind": (
        "withCredentials([file(credentialsId: 'k', variable: 'K')]) {\nsh 'true'\n}",
        "'k' of the kind file",
    ),
}


@pytest.mark.parametrize(("steps", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_it_refuses(steps: str, said: str, tmp_path: Path) -> None:
    ran = run(steps, tmp_path, credentials={"k": {"kind": "string", "secret": "x"}})
    assert ran.result == "FAILURE"
    assert said in ran.text
    assert ran.log[-2] == "the end"


@pytest.mark.parametrize("stage", ["agent any\nwhat { x }", "agent any\nwhen {\nwhat 'x'\n}"])
def test_it_refuses_sections_that_it_does_not_know(stage: str, tmp_path: Path) -> None:
    ran = run("echo 'x'", tmp_path, stage=stage)
    assert "knows no what" in ran.text
    assert not ran.done()


def test_steps_that_need_an_agent_fail_without_one(tmp_path: Path) -> None:
    ran = run("sh 'true'", tmp_path, stage="")
    assert "sh needs an agent" in ran.text


def test_variables_are_as_jenkins_keeps_them(tmp_path: Path) -> None:
    """Expanded where they are set, by others set beside them too; one that is empty is none; case does not count."""
    env = {"BRANCH_NAME": "main", "HOME": "/home/ann", "lower": "kept", "PATH": "/usr/bin:/bin"}
    lines = "\n".join(
        f'echo "{name}=<${{{name}-unset}}>"' for name in ("A", "B", "C", "D", "E", "lower", "LOWER", "PATH")
    )
    variables = "['A=$B-${HOME}', 'B=b$HOME', 'C=$$HOME $UNKNOWN $$$$', 'D=', 'LOWER=new', 'PATH+X=$HOME/bin', 'E=x=y']"
    ran = run(f"withEnv({variables}) {{\nsh '''#!/bin/bash\n{lines}\n'''\n}}", tmp_path, env=env)
    assert [line for line in ran.log if "=<" in line] == [
        "A=<b/home/ann-/home/ann>",
        "B=<b/home/ann>",
        "C=<$HOME $UNKNOWN $$>",
        "D=<unset>",
        "E=<x=y>",
        "lower=<new>",
        "LOWER=<unset>",
        "PATH=</home/ann/bin:/usr/bin:/bin>",
    ]


def test_a_script_without_a_first_line_of_its_own_is_printed(tmp_path: Path) -> None:
    ran = run("sh 'echo $((1 + 1))\\nfalse\\necho never'", tmp_path)
    assert ran.result == "FAILURE"
    assert "+ echo 2" in ran.log
    assert "never" not in ran.log


def test_what_a_script_says_and_how_it_ends_can_be_had(tmp_path: Path) -> None:
    ran = run(
        "script {\ndef said = sh(script: 'echo it', returnStdout: true).trim()\n"
        "int code = sh(script: 'exit 9', returnStatus: true)\necho(said + code)\n}",
        tmp_path,
    )
    assert ran.result == "SUCCESS"
    assert any(line.endswith("it9") for line in ran.log)


def test_blocks_catch_retry_and_end_in_time(tmp_path: Path) -> None:
    ran = run("retry(3) {\nsh 'echo x >> n; [ $(wc -l < n) = 3 ]'\n}\necho 'through'", tmp_path / "retry")
    assert (ran.result, len(ran.shells)) == ("SUCCESS", 3)
    ran = run("catchError(buildResult: 'UNSTABLE') {\nsh 'false'\n}\necho 'on'", tmp_path / "catch")
    assert (ran.result, ran.log[-2:]) == ("UNSTABLE", ["on", "the end"])
    ran = run("timeout(time: 1, unit: 'SECONDS') {\nsh '''#!/bin/bash\nsleep 60 & wait\n'''\n}", tmp_path / "time")
    assert ran.result == "ABORTED"
    assert "Timeout has been exceeded" in ran.text


def test_nothing_behind_a_link_is_deleted(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    ran = run(f"sh 'ln -s {kept} link; mkdir -p a/b'\ndeleteDir()", tmp_path / "run")
    assert ran.result == "SUCCESS"
    assert (kept / "file").read_text() == "x"
    assert not (tmp_path / "run" / "workspace").exists()


def test_files_are_found_by_patterns_and_kept_as_they_are(tmp_path: Path) -> None:
    ran = run(
        "writeFile(file: 'a/b/c.txt', text: 'c')\nwriteFile(file: 'd.txt', text: 'd')\n"
        "writeFile(file: 'd.md', text: 'm')\n"
        "stash(name: 'all', includes: '**/*.txt')\nstash(name: 'top', includes: '*.txt, *.md')\n"
        "dir('other') {\nunstash 'all'\nsh 'cat a/b/c.txt d.txt'\n}",
        tmp_path,
    )
    assert ran.stashes == {"all": ["a/b/c.txt", "d.txt"], "top": ["d.md", "d.txt"]}
    assert "cd" in ran.log


def test_only_functions_of_the_file_are_called(tmp_path: Path) -> None:
    functions = "void twice(Closure work) {\nwork()\nwork()\n}\nString name() { 'ann' }"
    ran = run("twice {\necho(name())\n}", tmp_path, functions=functions)
    assert [line for line in ran.log if line == "ann"] == ["ann", "ann"]
