"""`pipelinegen bump` as a person or a CI job runs it: exit codes, messages, the diff, the JSON, options, variables."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.checkout import Checkout, Ran

TAG = "ghcr.io/acme/api:1.10.0"
DEPLOYMENT = (
    "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - image: ghcr.io/acme/api:1.9.3\n"
)
FILES = {
    "deployment.yaml": DEPLOYMENT,
    "production/kustomization.yaml": "images:\n- name: ghcr.io/acme/api\n  newTag: 1.9.3\n",
    "production/values.yaml": "image:\n  repository: ghcr.io/acme/api\n  tag: 1.9.3\n",
    "staging/app.yaml": "spec:\n  source:\n    helm:\n      valuesObject:\n        image: ghcr.io/acme/api:1.9.3\n",
    "web.yaml": "image: ghcr.io/acme/web:1.9.3\n",
    "readme.md": "ghcr.io/acme/api:1.9.3\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "manifests", FILES)


def changed(checkout: Checkout) -> list[str]:
    """The files that git sees as changed."""
    return [line[3:] for line in checkout.status().splitlines()]


ALL = ["deployment.yaml", "production/kustomization.yaml", "production/values.yaml", "staging/app.yaml"]


def test_a_dry_run_shows_only_those_lines_and_changes_nothing(checkout: Checkout) -> None:
    ran = checkout.bump(TAG, "--dry-run")
    lines = ran.out.decode().splitlines()
    assert (ran.code, checkout.status()) == (0, "")
    assert [line for line in lines if re.match(r"[-+](?![-+])", line)] == [
        "-      - image: ghcr.io/acme/api:1.9.3",
        "+      - image: ghcr.io/acme/api:1.10.0",
        "-  newTag: 1.9.3",
        "+  newTag: 1.10.0",
        "-  tag: 1.9.3",
        "+  tag: 1.10.0",
        "-        image: ghcr.io/acme/api:1.9.3",
        "+        image: ghcr.io/acme/api:1.10.0",
    ]
    assert ran.err == "ghcr.io/acme/api:1.10.0: 4 of 4 places would change\n"


def test_the_second_run_says_that_there_is_nothing_to_do(checkout: Checkout) -> None:
    first = checkout.bump(TAG)
    assert (first.code, changed(checkout)) == (0, ALL)
    after, files = checkout.status(), checkout.files()
    times = {path: (checkout.folder / path).stat().st_mtime_ns for path in ALL}
    second = checkout.bump(TAG)
    assert (second.code, second.out, checkout.status(), checkout.files()) == (0, b"", after, files)
    assert second.err == "ghcr.io/acme/api:1.10.0: nothing to do, 4 places found\n"
    assert {path: (checkout.folder / path).stat().st_mtime_ns for path in ALL} == times


def test_the_diff_is_what_git_sees(checkout: Checkout) -> None:
    ran = checkout.bump_here(TAG)
    git = [line for line in checkout.git("diff").splitlines() if not line.startswith(("diff ", "index "))]
    ours = ran.out.decode().splitlines()
    assert [line.partition(" @@")[0] for line in git] == [line.partition(" @@")[0] for line in ours]


# arguments, exit code, words of the message on standard error
ENDS: dict[str, tuple[list[str], int, list[str]]] = {
    "a typo names the nearest": (
        ["ghcr.io/acme/apo:1"],
        2,
        ["ghcr.io/acme/apo occurs nowhere", "names ghcr.io/acme/api", "next: "],
    ),
    "another registry names the nearest": (["acme/api:1"], 2, ["acme/api occurs nowhere", "ghcr.io/acme/api"]),
    "a typo, allowed": (["ghcr.io/acme/apo:1", "--allow-missing"], 0, ["ghcr.io/acme/apo:1: occurs nowhere"]),
    "one of two is missing": ([TAG, "ghcr.io/acme/apo:1"], 2, ["ghcr.io/acme/apo occurs nowhere"]),
    "downgrade": (
        ["ghcr.io/acme/api:1.9.2"],
        1,
        ["deployment.yaml:6:16", "1.9.3 is newer than 1.9.2", "--allow-downgrade"],
    ),
    "upper case": (["ghcr.io/acme/API:1"], 2, ["did you mean ghcr.io/acme/api:1?"]),
    "no version": (["ghcr.io/acme/api"], 2, ["no version", "write ghcr.io/acme/api:TAG"]),
    "empty version": (["ghcr.io/acme/api:"], 2, ["the tag after the colon is empty"]),
    "bad tag": (["ghcr.io/acme/api:a b"], 2, ["white space"]),
    "bad digest": (["ghcr.io/acme/api@sha256:12"], 2, ["64 hexadecimal digits"]),
    "a variable that nobody replaced": (["ghcr.io/acme/api:$TAG"], 2, ["variable"]),
    "a scheme": (["https://ghcr.io/acme/api:1"], 2, ["no scheme"]),
    "nothing": ([], 2, ["no image is given"]),
    "two versions": ([TAG, "ghcr.io/acme/api:1.11.0"], 2, ["two versions of one image"]),
    "the same twice": ([TAG, TAG, "--dry-run"], 0, ["4 of 4 places"]),
    "a name without a configuration": (["api=1"], 2, ["pipelinegen.yaml", "-C DIR"]),
    "an environment without a configuration": ([TAG, "--env", "production"], 2, ["pipelinegen.yaml", "--path"]),
    "no such folder": ([TAG, "--repo", "no/such"], 2, ["no/such", "not a folder"]),
    "a file instead of a folder": ([TAG, "--repo", "web.yaml"], 2, ["not a folder"]),
    "no such option": ([TAG, "--dry"], 2, ["--dry"]),
    "no such delivery": ([TAG, "--deliver", "email"], 2, ["--deliver"]),
    "no number": ([TAG, "--max-files", "many"], 2, ["--max-files"]),
    "zero files": ([TAG, "--max-files", "0"], 2, ["--max-files"]),
    "too many files": ([TAG, "--max-files", "3"], 1, ["4 files would change", "--max-files 3", "nothing was changed"]),
    "as many files as allowed": ([TAG, "--max-files", "4", "--dry-run"], 0, ["4 of 4"]),
    "a path that matches nothing": ([TAG, "--path", "nowhere/"], 2, ["outside the selection"]),
    "push without a remote": ([TAG, "--deliver", "push"], 2, ["no remote"]),
    "metadata that is not there": (["--from", "no.json"], 2, ["no.json"]),
}


@pytest.mark.parametrize(("arguments", "code", "words"), ENDS.values(), ids=ENDS)
def test_an_end_has_its_code_and_says_what_to_do(
    checkout: Checkout, arguments: list[str], code: int, words: list[str]
) -> None:
    ran = checkout.bump_here(*arguments)
    assert (ran.code, checkout.status()) == (code, "")
    assert [word for word in words if word not in ran.err] == []
    assert "Traceback" not in ran.err
    if code:
        assert ran.out == b""


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["schema", "result", "images", "edits", "skipped"],
    "properties": {
        "schema": {"const": "pipelinegen.bump/1"},
        "result": {"enum": ["updated", "unchanged", "superseded", "not-found", "refused"]},
        "images": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["repository", "tag", "digest", "occurrences", "changed"],
                "properties": {
                    "repository": {"type": "string"},
                    "tag": {"type": ["string", "null"]},
                    "digest": {"type": ["string", "null"]},
                    "occurrences": {"type": "integer", "minimum": 0},
                    "changed": {"type": "integer", "minimum": 0},
                },
            },
        },
        "edits": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["file", "line", "column", "kind", "environment", "before", "after"],
                "properties": {
                    "file": {"type": "string"},
                    "line": {"type": "integer", "minimum": 1},
                    "column": {"type": "integer", "minimum": 1},
                    "kind": {
                        "enum": ["scalar", "helm-values", "kustomize-images", "argocd-parameter", "template", "text"]
                    },
                    "environment": {"type": ["string", "null"]},
                    "before": {"type": "string"},
                    "after": {"type": "string"},
                },
            },
        },
        "skipped": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["file", "line", "column", "reason"],
                "properties": {
                    "file": {"type": "string"},
                    "line": {"type": "integer", "minimum": 1},
                    "column": {"type": "integer", "minimum": 1},
                    "reason": {"type": "string", "minLength": 1},
                },
            },
        },
        "delivery": {
            "type": "object",
            "required": ["how", "branch", "commit", "pull_request"],
            "properties": {
                "how": {"enum": ["worktree", "commit", "push", "pull-request"]},
                "branch": {"type": ["string", "null"]},
                "commit": {"type": ["string", "null"]},
                "pull_request": {"type": ["object", "null"]},
            },
        },
        "error": {
            "type": "object",
            "required": ["id", "exit", "what", "where", "state", "next", "details"],
        },
    },
}

DOCUMENTS: dict[str, tuple[list[str], int, str]] = {
    "updated": ([TAG], 0, "updated"),
    "dry run": ([TAG, "--dry-run"], 0, "updated"),
    "unchanged": (["ghcr.io/acme/api:1.9.3"], 0, "unchanged"),
    "not found": (["ghcr.io/acme/none:1"], 2, "not-found"),
    "not found, allowed": (["ghcr.io/acme/none:1", "--allow-missing"], 0, "not-found"),
    "refused": (["ghcr.io/acme/api:1.0.0"], 1, "refused"),
    "too many files": ([TAG, "--max-files", "1"], 1, "refused"),
    "bad input": (["ghcr.io/acme/API:1"], 2, "refused"),
}


@pytest.mark.parametrize(("arguments", "code", "result"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_json_is_one_document_of_the_contract(checkout: Checkout, arguments: list[str], code: int, result: str) -> None:
    ran = checkout.bump_here(*arguments, "--json")
    jsonschema.validate(ran.document, SCHEMA)
    assert (ran.code, ran.document["result"]) == (code, result)
    assert (ran.document.get("error") or {}).get("exit", 0) == code
    assert "pipelinegen.bump" not in ran.err


def test_json_says_the_same_as_the_files(checkout: Checkout) -> None:
    document = checkout.bump_here(TAG, "--json").document
    assert [(edit["file"], edit["line"], edit["column"], edit["kind"]) for edit in document["edits"]] == [
        ("deployment.yaml", 6, 16, "scalar"),
        ("production/kustomization.yaml", 3, 11, "kustomize-images"),
        ("production/values.yaml", 3, 8, "helm-values"),
        ("staging/app.yaml", 5, 16, "scalar"),
    ]
    for edit in document["edits"]:
        line = checkout.read(edit["file"]).splitlines()[edit["line"] - 1]
        assert line[edit["column"] - 1 :] == edit["after"]
    assert document["images"] == [
        {"repository": "ghcr.io/acme/api", "tag": "1.10.0", "digest": None, "occurrences": 4, "changed": 4}
    ]
    assert document["delivery"] == {"how": "worktree", "branch": None, "commit": None, "pull_request": None}


def test_a_file_that_cannot_be_parsed_is_a_warning_and_the_others_change(checkout: Checkout) -> None:
    checkout.write({"broken.yaml": "image: ghcr.io/acme/api:1.9.3\na: [\n"})
    checkout.commit()
    ran = checkout.bump_here(TAG, "--json")
    assert (ran.code, changed(checkout)) == (0, ALL)
    assert "warning: broken.yaml:3:1: left alone: not YAML" in ran.err
    assert [(skip["file"], skip["line"]) for skip in ran.document["skipped"]] == [("broken.yaml", 3)]


def test_exit_code_says_whether_something_changes(checkout: Checkout) -> None:
    assert checkout.bump(TAG, "--exit-code", "--dry-run").code == 1
    assert checkout.bump(TAG).code == 0
    assert checkout.bump(TAG, "--exit-code").code == 0


def test_options_narrow_and_widen(checkout: Checkout) -> None:
    marked = 'image: ghcr.io/acme/api:1.9.3 # {"$imagepolicy": "a:b"}\n'
    checkout.write({"flux.yaml": marked, "old.yaml": "image: ghcr.io/acme/api:1.8.0\n"})
    checkout.commit()
    document = checkout.bump_here(TAG, "--only-tag", "1.8.*", "--json", "--dry-run").document
    assert [edit["file"] for edit in document["edits"]] == ["old.yaml"]
    document = checkout.bump_here(
        TAG, "--include-managed", "--path", "flux.yaml", "--path", "old.yaml", "--json"
    ).document
    assert [edit["file"] for edit in document["edits"]] == ["flux.yaml", "old.yaml"]
    assert checkout.bump_here("ghcr.io/acme/api:1.0.0", "--allow-downgrade", "--path", "old.yaml").code == 0
    assert checkout.read("old.yaml") == "image: ghcr.io/acme/api:1.0.0\n"


def test_explain_tells_of_every_mention(checkout: Checkout) -> None:
    checkout.write({"x.yaml": "# ghcr.io/acme/api:1\na: see ghcr.io/acme/api:1.9.3\nb: ghcr.io/acme/api2:1\n"})
    checkout.commit()
    ran = checkout.bump_here(TAG, "--explain", "--dry-run")
    told = [line for line in ran.err.splitlines() if line.startswith(("x.yaml", "deployment.yaml"))]
    assert told == [
        "x.yaml:1:11: left alone: in a comment",
        "x.yaml:2:4: left alone: prose, not a reference",
        "x.yaml:3:4: left alone: another repository: ghcr.io/acme/api2",
        "deployment.yaml:6:16: scalar: ghcr.io/acme/api:1.9.3 -> ghcr.io/acme/api:1.10.0",
    ]


CONFIG = """\
version: 1
images:
  api: {repository: ghcr.io/acme/api}
manifests:
  text-files: ["*.md"]
  environments:
    production: {paths: ["production/**"]}
    staging: {paths: ["staging/**"]}
"""


def test_names_and_environments_of_the_configuration(checkout: Checkout) -> None:
    checkout.write({"pipelinegen.yaml": CONFIG})
    checkout.commit()
    document = checkout.bump_here("api=1.10.0", "--env", "production", "--json", "--dry-run").document
    assert {(edit["file"], edit["environment"]) for edit in document["edits"]} == {
        ("production/kustomization.yaml", "production"),
        ("production/values.yaml", "production"),
    }
    document = checkout.bump_here("api=1.10.0", "--json").document
    assert [(edit["file"], edit["environment"]) for edit in document["edits"]] == [
        ("deployment.yaml", None),
        ("production/kustomization.yaml", "production"),
        ("production/values.yaml", "production"),
        ("readme.md", None),
        ("staging/app.yaml", "staging"),
    ]
    assert checkout.bump_here("apo=1").code == 2
    assert "it has api" in checkout.bump_here("apo=1").err
    assert "it has production, staging" in checkout.bump_here("api=1", "--env", "prod").err


def test_a_digest_for_a_name(checkout: Checkout) -> None:
    checkout.write({"pipelinegen.yaml": CONFIG})
    digest = "sha256:" + "a" * 64
    assert checkout.bump_here(f"api={digest}", "--path", "deployment.yaml").code == 0
    assert f"ghcr.io/acme/api:1.9.3@{digest}\n" in checkout.read("deployment.yaml")


def test_a_broken_configuration_is_told_with_its_place(checkout: Checkout) -> None:
    checkout.write({"pipelinegen.yaml": "version: 1\nimagse: {}\n"})
    ran = checkout.bump_here(TAG)
    assert (ran.code, "pipelinegen.yaml:2:1" in ran.err, "images" in ran.err) == (2, True, True)


def test_the_metadata_of_a_build_gives_the_references(checkout: Checkout) -> None:
    digest = "sha256:" + "b" * 64
    metadata = {
        "containerimage.digest": digest,
        "containerimage.config.digest": "sha256:" + "c" * 64,
        "image.name": "ghcr.io/acme/api:1.10.0",
    }
    checkout.write({"out/build.json": json.dumps(metadata)})
    assert checkout.bump_here("--from", "out/build.json").code == 0
    assert f"ghcr.io/acme/api:1.10.0@{digest}\n" in checkout.read("deployment.yaml")


VARIABLES: dict[str, tuple[dict[str, str], list[str]]] = {
    "PATH": ({"PIPELINEGEN_PATH": "staging/\ndeployment.yaml"}, ["deployment.yaml", "staging/app.yaml"]),
    "ONLY_TAG": ({"PIPELINEGEN_ONLY_TAG": "2.*"}, []),
    "MAX_FILES": ({"PIPELINEGEN_MAX_FILES": "1"}, []),
    "DRY_RUN": ({"PIPELINEGEN_DRY_RUN": "1"}, []),
    "DRY_RUN off": ({"PIPELINEGEN_DRY_RUN": "false"}, ALL),
    "no option": ({"PIPELINEGEN_TOKEN": "not-a-real-token"}, ALL),
}


@pytest.mark.parametrize(("variables", "files"), VARIABLES.values(), ids=VARIABLES)
def test_every_option_is_a_variable_too(checkout: Checkout, variables: dict[str, str], files: list[str]) -> None:
    checkout.bump_here(TAG, variables=variables)
    assert changed(checkout) == files


def test_an_option_wins_over_its_variable(checkout: Checkout) -> None:
    assert (
        checkout.bump_here(TAG, "--path", "web.yaml", "--path", "staging/", variables={"PIPELINEGEN_PATH": "x"}).code
        == 0
    )
    assert changed(checkout) == ["staging/app.yaml"]


def test_directory_is_where_the_command_starts(checkout: Checkout, tmp_path: Path) -> None:
    ran = checkout.bump(TAG, "-C", str(checkout.folder), "--repo", "production", cwd=tmp_path)
    assert (ran.code, changed(checkout)) == (0, ["production/kustomization.yaml", "production/values.yaml"])


def test_a_folder_inside_a_checkout_is_a_repository(checkout: Checkout) -> None:
    document = checkout.bump_here(TAG, "--repo", "production", "--json", "--dry-run").document
    assert [edit["file"] for edit in document["edits"]] == ["kustomization.yaml", "values.yaml"]


def test_outside_git_all_files_count(tmp_path: Path) -> None:
    plain = Checkout(tmp_path / "plain", FILES, in_git=False)
    assert plain.bump_here(TAG).code == 0
    assert plain.read("deployment.yaml") == DEPLOYMENT.replace("1.9.3", "1.10.0")
    assert plain.bump_here(TAG, "--deliver", "commit").code == 0  # nothing to do, so nothing to commit
    assert plain.bump_here("ghcr.io/acme/api:1.11.0", "--deliver", "commit").code == 1


def test_quiet_says_only_what_went_wrong(checkout: Checkout) -> None:
    checkout.write({"broken.yaml": "image: ghcr.io/acme/api:1.9.3\na: [\n"})
    checkout.commit()
    ran = checkout.bump_here(TAG, "-q", "--dry-run")
    assert ran.out
    assert [line.partition(":")[0] for line in ran.err.splitlines()] == ["warning"]


@pytest.mark.parametrize(
    ("arguments", "variables", "colored"),
    [
        (["--color", "always"], {}, True),
        (["--color", "never"], {}, False),
        ([], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"PIPELINEGEN_COLOR": "always"}, True),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
    ],
    ids=["always", "never", "no terminal", "NO_COLOR", "variable", "always wins over NO_COLOR"],
)
def test_color(checkout: Checkout, arguments: list[str], variables: dict[str, str], colored: bool) -> None:
    ran = checkout.bump(TAG, "--dry-run", *arguments, variables=variables)
    assert (b"\x1b[" in ran.out) == colored
    assert re.sub(rb"\x1b\[\d+m", b"", ran.out) == checkout.bump(TAG, "--dry-run").out


def test_a_reader_that_leaves_early_is_no_defect(tmp_path: Path) -> None:
    many = Checkout(tmp_path / "m", {f"{number}.yaml": DEPLOYMENT for number in range(2000)}, in_git=False)
    with subprocess.Popen(
        [sys.executable, "-m", "pipelinegen", "bump", TAG, "--dry-run"],
        cwd=many.folder,
        env=many.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"--- a/0.yaml\n"
        process.stdout.close()
        told = process.stderr.read().decode()
        process.wait(60)
    assert (process.returncode, "Traceback" in told, "defect" in told) == (141, False, False)


def test_help_has_an_example(checkout: Checkout) -> None:
    ran = checkout.bump_here("--help")
    assert ran.code == 0
    assert b"pipelinegen bump ghcr.io/acme/api:1.10.0" in ran.out


@pytest.mark.parametrize("argument", ["--version", "-V"])
def test_version(checkout: Checkout, argument: str) -> None:
    ran = checkout.run(argument)
    assert (ran.code, ran.out.split()[0]) == (0, b"pipelinegen")


# what `--path` is given, the file that is there, the exit code (the rows of a list of bad and odd input)
PATHS: dict[str, tuple[str, str, int]] = {
    "out of the repository": ("../x.yaml", "x.yaml", 2),
    "absolute": ("/etc/passwd", "etc/passwd.yaml", 2),
    "from the root": ("/x.yaml", "x.yaml", 0),
    "from the root, only there": ("/x.yaml", "a/x.yaml", 2),
    "git's own folder": (".git/config", "x.yaml", 2),
    "git's own folder in capitals": (".GIT/config", "x.yaml", 2),
    "git's own folder with an invisible character": (".git\u200c/config", "x.yaml", 2),
    "a workflow": (".github/workflows/x.yaml", ".github/workflows/x.yaml", 2),
    "attributes": (".gitattributes", "x.yaml", 2),
    "a line break in the name": ("a\nb.yaml", "a\nb.yaml", 0),
    "pathspec magic is text": (":(glob)**.yaml", "x.yaml", 2),
    "pathspec magic for the top is text": (":/x.yaml", "x.yaml", 2),
    "a backslash takes the meaning of what follows": ("a\\b.yaml", "a\\b.yaml", 2),
    "a backslash, doubled": ("a\\\\b.yaml", "a\\b.yaml", 0),
    "a name of Windows": ("CON.yaml", "CON.yaml", 0),
    "the folder itself": (".", "x.yaml", 2),
    "from here": ("./x.yaml", "x.yaml", 0),
    "a folder": ("folder", "folder/a/x.yaml", 0),
    "a folder, marked": ("folder/", "folder/x.yaml", 0),
    "a file that is marked as a folder": ("x.yaml/", "x.yaml", 2),
    "another composition of letters": ("\u00e9.yaml", "e\u0301.yaml", 2),
    "a very long name": (f"{'x' * 300}.yaml", "x.yaml", 2),
    "a pattern": ("*.yaml", "a/x.yaml", 0),
    "a pattern with a folder": ("a/*.yaml", "a/x.yaml", 0),
    "a pattern does not cross folders": ("a/*.yaml", "a/b/x.yaml", 2),
    "two stars cross folders": ("a/**/x.yaml", "a/b/c/x.yaml", 0),
    "one character": ("?.yaml", "x.yaml", 0),
    "a set": ("[w-z].yaml", "x.yaml", 0),
    "brackets in a name": ("\\[x\\].yaml", "[x].yaml", 0),
    "a comment": ("#x.yaml", "#x.yaml", 2),
    "a hash": ("\\#x.yaml", "#x.yaml", 0),
    "only taken out": ("!x.yaml", "x.yaml", 2),
    "blanks": ("a b.yaml", "a b.yaml", 0),
    "a folder with the same beginning": ("fold/", "folder/x.yaml", 2),
    "another case": ("X.yaml", "x.yaml", 2),
    "other scripts": ("\u65e5\u672c/*", "\u65e5\u672c/x.yaml", 0),
    "empty": ("", "x.yaml", 2),
}


@pytest.mark.parametrize(("pattern", "file", "code"), PATHS.values(), ids=PATHS)
def test_path_is_a_pattern_of_gitignore(tmp_path: Path, pattern: str, file: str, code: int) -> None:
    place = Checkout(tmp_path / "m", {file: "image: ghcr.io/acme/api:1.9.3\n", "other.txt": ""}, in_git=False)
    ran = place.bump_here(TAG, "--path", pattern)
    assert (ran.code, "Traceback" in ran.err) == (code, False)
    assert ("1.10.0" in place.read(file)) == (code == 0)


def test_paths_add_up_and_take_away(checkout: Checkout) -> None:
    assert (
        checkout.bump_here(TAG, "--path", "production/", "--path", "deployment.yaml", "--path", "!*/values.yaml").code
        == 0
    )
    assert changed(checkout) == ["deployment.yaml", "production/kustomization.yaml"]


BAD_FILES: dict[str, bytes] = {
    "binary": b"\x00\x01ghcr.io/acme/api:1.9.3\xff",
    "SOPS": b"image: ghcr.io/acme/api:1.9.3\nsops: {mac: x}\n",
    "too large": b"image: ghcr.io/acme/api:1.9.3\n" + b"#\n" * (5 * 512 * 1024),
    "not UTF-8": b"image: ghcr.io/acme/api:1.9.3 # \xe9\n",
}


@pytest.mark.parametrize("data", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_must_be_left_alone_is_said_when_it_is_the_only_one(tmp_path: Path, data: bytes) -> None:
    place = Checkout(tmp_path / "m", {"x.yaml": data}, in_git=False)
    ran = place.bump_here(TAG, "--path", "x.yaml")
    assert (ran.code, place.files()) == (2, {"x.yaml": data})
    assert "x.yaml:1:1: larger than 5 MiB" in ran.err if len(data) > 9999 else "x.yaml:" in ran.err


def test_links_are_not_followed(checkout: Checkout, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("image: ghcr.io/acme/api:1.9.3\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.yaml").write_text("image: ghcr.io/acme/api:1.9.3\n")
    (checkout.folder / "out.yaml").symlink_to(outside)
    (checkout.folder / "in.yaml").symlink_to("deployment.yaml")
    (checkout.folder / "linked").symlink_to(tmp_path / "folder", target_is_directory=True)
    checkout.commit()
    assert checkout.bump_here(TAG).code == 0
    assert changed(checkout) == ALL
    assert "1.9.3" in outside.read_text() + (tmp_path / "folder" / "x.yaml").read_text()
    assert (checkout.folder / "in.yaml").is_symlink()
    assert checkout.bump_here("ghcr.io/acme/api:1.11.0", "--path", "out.yaml").code == 2
    assert checkout.bump_here("ghcr.io/acme/api:1.11.0", "--path", "linked/x.yaml").code == 2


def test_untracked_and_ignored_files_stay(checkout: Checkout) -> None:
    checkout.write({".gitignore": "ignored.yaml\n", "ignored.yaml": DEPLOYMENT, "new.yaml": DEPLOYMENT})
    assert checkout.bump_here(TAG).code == 0
    assert (checkout.read("ignored.yaml"), checkout.read("new.yaml")) == (DEPLOYMENT, DEPLOYMENT)


def test_values_files_that_git_does_not_know_stay(checkout: Checkout) -> None:
    application = (
        "spec:\n  source:\n    path: production\n    helm:\n      valueFiles: [../secret.yaml, ../../outside.yaml]\n"
    )
    checkout.write({"app.yaml": f"kind: Application\n{application}"})
    checkout.commit()
    checkout.write({"secret.yaml": "image: {tag: 1.9.3}\n", "../outside.yaml": "image: {tag: 1.9.3}\n"})
    assert checkout.bump_here(TAG).code == 0
    assert (checkout.read("secret.yaml"), checkout.read("../outside.yaml")) == ("image: {tag: 1.9.3}\n",) * 2


def test_names_that_are_odd(tmp_path: Path) -> None:
    names = [
        "a b.yaml",
        "-x.yaml",
        "a\nb.yaml",
        "\u65e5.yaml",
        'q"q.yaml',
        b"caf\xe9.yaml".decode("utf-8", "surrogateescape"),
    ]
    place = Checkout(tmp_path / "m", {os.fsdecode(os.fsencode(name)): DEPLOYMENT for name in names})
    ran = place.bump_here(TAG)
    assert (ran.code, "Traceback" in ran.err) == (0, False)
    assert all(b"1.10.0" in data for data in place.files().values())
    document = Ran(*place.bump_here("ghcr.io/acme/api:1.11.0", "--json", "--dry-run")).document
    assert len(document["edits"]) == len(names)


def test_modes_and_owners_stay(checkout: Checkout) -> None:
    target = checkout.folder / "deployment.yaml"
    target.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(target, 4321, 4321)
    before = target.stat()
    assert checkout.bump_here(TAG, variables={"GIT_CONFIG_COUNT": "1"}).code == 0
    after = target.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_disk_that_takes_no_more_changes_nothing(checkout: Checkout) -> None:
    import resource

    before = checkout.files()
    limit = len(FILES["deployment.yaml"]) + 2
    ran = checkout.bump(
        "ghcr.io/acme/api:1.10.0-" + "x" * 100,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (ran.code, checkout.files()) == (3, before)
    assert "no file has changed" in ran.err


def give_up_the_rights_of_root() -> None:
    """The program that is started next must obey permissions, also where root runs the tests."""
    drop_from_bounding_set, override, read_search = 24, 1, 2
    for capability in (override, read_search):
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


def test_a_folder_that_may_not_be_written_changes_nothing(checkout: Checkout) -> None:
    before = checkout.files()
    (checkout.folder / "staging").chmod(0o555)
    try:
        ran = checkout.bump(TAG, preexec_fn=give_up_the_rights_of_root)
    finally:
        (checkout.folder / "staging").chmod(0o755)
    assert (ran.code, checkout.files()) == (3, before)
    assert "staging" in ran.err
    assert "Permission denied" in ran.err
    assert "no file has changed" in ran.err


def test_a_commit_holds_the_planned_files_and_no_others(checkout: Checkout) -> None:
    checkout.write({"web.yaml": "image: ghcr.io/acme/web:2\n", "new.yaml": "a: 1\n"})
    checkout.git("add", "new.yaml")
    document = checkout.bump_here(TAG, "--deliver", "commit", "--json").document
    assert checkout.git("show", "--name-only", "--format=", "HEAD").split() == ALL
    assert checkout.status() == "A  new.yaml\n M web.yaml\n"
    assert document["delivery"]["commit"] == checkout.git("rev-parse", "HEAD").strip()
    assert document["delivery"]["branch"] == "main"
    assert checkout.git("log", "-1", "--format=%s%n%(trailers)").startswith("Bump api")
    assert "Pipelinegen-Image: ghcr.io/acme/api:1.10.0" in checkout.git("log", "-1", "--format=%(trailers)")
    assert checkout.bump_here(TAG, "--deliver", "commit").code == 0
    assert checkout.git("rev-list", "--count", "HEAD").strip() == "2"


def test_a_commit_of_names_that_look_like_patterns(tmp_path: Path) -> None:
    place = Checkout(tmp_path / "m", {"[ab].yaml": DEPLOYMENT, "a.yaml": "x: 1\n", ":(top)b.yaml": DEPLOYMENT})
    place.write({"a.yaml": "x: 2\n"})
    assert place.bump_here(TAG, "--deliver", "commit").code == 0
    assert place.status() == " M a.yaml\n"


@pytest.mark.parametrize("hook", ["pre-commit", "commit-msg", "prepare-commit-msg"])
def test_a_hook_that_fails_leaves_everything_as_it_was(checkout: Checkout, hook: str) -> None:
    before, head = checkout.files(), checkout.git("rev-parse", "HEAD")
    script = checkout.folder / ".git" / "hooks" / hook
    script.parent.mkdir(exist_ok=True)
    script.write_text("#!/bin/sh\necho the hook says no >&2\nexit 1\n")
    script.chmod(0o755)
    ran = checkout.bump_here(TAG, "--deliver", "commit")
    assert (ran.code, checkout.files(), checkout.status()) == (3, before, "")
    assert checkout.git("rev-parse", "HEAD") == head
    assert "the hook says no" in ran.err


@pytest.mark.parametrize("staged", [True, False])
def test_a_file_with_changes_of_its_own_is_not_committed(checkout: Checkout, staged: bool) -> None:
    checkout.write({"deployment.yaml": f"{DEPLOYMENT}# mine\n"})
    if staged:
        checkout.git("add", "deployment.yaml")
    before, status = checkout.files(), checkout.status()
    ran = checkout.bump_here(TAG, "--deliver", "commit")
    assert (ran.code, checkout.files(), checkout.status()) == (1, before, status)
    assert "deployment.yaml" in ran.err
    assert checkout.bump_here(TAG).code == 0
    assert checkout.read("deployment.yaml") == f"{DEPLOYMENT.replace('1.9.3', '1.10.0')}# mine\n"


def test_a_checkout_that_git_does_not_trust_is_told(checkout: Checkout) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder of somebody else")
    os.chown(checkout.folder, 4321, 4321)
    os.chown(checkout.folder / ".git", 4321, 4321)
    ran = checkout.bump_here(TAG)
    if ran.code:
        assert (ran.code, "safe.directory" in ran.err) == (3, True)


LIST_MODULES = """\
import sys
sys.argv = ["pipelinegen", *sys.argv[1:]]
from pipelinegen.__main__ import main
try:
    main()
except SystemExit as stop:
    print("\\n".join(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
    sys.exit(stop.code)
"""
HEAVY = {
    *("github", "gitlab", "requests", "jinja2", "pydantic", "semver", "ruamel", "click", "pathspec"),
    *("subprocess", "asyncio", "http", "urllib", "email", "ssl", "socket", "json", "difflib", "tempfile", "shutil"),
    *("logging", "dataclasses", "inspect", "argparse", "ast", "pathlib"),
}


def modules(checkout: Checkout, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {[*sys.path]!r}\n{LIST_MODULES}", *arguments],
        cwd=checkout.folder,
        env=checkout.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-400:])


def test_a_dry_run_imports_only_what_it_needs(checkout: Checkout) -> None:
    found = modules(checkout, "bump", TAG, "--dry-run")
    assert "yaml" in found
    assert found & HEAVY == set()


def test_writing_imports_no_more(checkout: Checkout) -> None:
    assert modules(checkout, "bump", TAG) & HEAVY == set()


def test_the_version_imports_next_to_nothing(checkout: Checkout) -> None:
    assert modules(checkout, "--version") & (HEAVY | {"yaml", "re", "signal"}) == set()
