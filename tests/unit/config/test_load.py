"""The file is found, read and checked; all that is wrong with it is told at once, each thing at its place."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen import config
from pipelinegen.config import Config, find, load, loads
from pipelinegen.errors import InputError
from pipelinegen.images.reference import InvalidReference, parse

EXAMPLE = Path(__file__).parents[3] / "examples" / "pipelinegen.yaml"
IMAGE = "images: {api: {repository: a/b}}\n"


def read(text: str) -> Config:
    return loads(dedent(text).encode(), "pipelinegen.yaml")


def refusal(text: str | bytes) -> InputError:
    data = text if isinstance(text, bytes) else dedent(text).encode()
    with pytest.raises(InputError) as caught:
        loads(data, "pipelinegen.yaml")
    assert (caught.value.id, caught.value.exit_code) == ("bad-config", 2)
    return caught.value


def told(text: str | bytes) -> list[str]:
    """Each problem as LINE:COLUMN: what."""
    error = refusal(text)
    places = [f"{error.where}: {error.what}", *(line for line in error.details if line.startswith("pipelinegen.yaml:"))]
    return [place.removeprefix("pipelinegen.yaml:") for place in places]


# --- the model ---------------------------------------------------------------------------------------------------


def test_the_example_of_the_contract() -> None:
    found = read(
        """\
        version: 1
        project: shop
        images:
          api:
            repository: ghcr.io/acme/api
            context: services/api
            tags: ["type=semver,pattern={{version}}", "type=sha"]
            tests:
              commandTests: [{name: self-test, command: /app/api, args: [--self-test]}]
              httpTests: [{name: up, path: /healthz, port: 8080, status: 200, timeout: 30s}]
              logTests: [{name: started, pattern: listening on}]
        manifests:
          repository: https://github.com/acme/manifests
          environments:
            staging:    {paths: [apps/*/overlays/staging/**], deliver: push}
            production: {paths: [apps/*/overlays/production/**], deliver: pull-request, reviewers: [acme/platform]}
        pipelines:
          ci: [github, gitlab, jenkins]
          pull: {agent: argocd}
          push: {deploy: kubectl}
        """
    )
    api, environments = found.images["api"], found.manifests.environments
    assert (found.version, found.project, api.repository, api.context) == (
        1,
        "shop",
        "ghcr.io/acme/api",
        "services/api",
    )
    assert api.tags == ("type=semver,pattern={{version}}", "type=sha")
    assert api.tests.command_tests[0].args == ("--self-test",)
    assert (api.tests.http_tests[0].port, api.tests.http_tests[0].timeout) == (8080, timedelta(seconds=30))
    assert api.tests.log_tests[0].pattern == "listening on"
    assert list(environments) == ["staging", "production"]
    assert environments["staging"].paths == ("apps/*/overlays/staging/**",)
    assert environments["production"].reviewers == ("acme/platform",)
    assert found.manifests.repository == "https://github.com/acme/manifests"
    assert (found.pipelines.ci, found.pipelines.push.deploy) == (("github", "gitlab", "jenkins"), ("kubectl",))
    assert found.pipelines.pull.agent == "argocd"


def test_the_example_in_the_repository_is_read() -> None:
    found = load(EXAMPLE)
    assert set(found.images) == {"api", "worker"}
    assert found.images["api"].build_args == {"GO_VERSION": "1.20"}
    assert found.images["api"].cache.from_ == ("type=registry,ref=ghcr.io/acme/api:cache",)
    assert found.images["worker"].contexts == {"base": "target:api"}
    assert found.images["api"].tests.file_existence_tests[0].should_exist is False
    assert found.pipelines.pull.interval == timedelta(minutes=3)
    assert found.manifests.text_files == ("*.tf", "*.tfvars", ".env")


def test_everything_has_a_default() -> None:
    found = read(IMAGE)
    api = found.images["api"]
    assert (found.version, found.project, found.build.engine) == (1, None, "auto")
    assert (api.context, api.dockerfile, api.tags, api.build_args, api.cache.to) == (".", "Dockerfile", (), {}, ())
    assert (api.tests.command_tests, api.tests.metadata_test) == ((), None)
    assert (found.manifests.repository, found.manifests.environments, found.pipelines.ci) == (None, {}, ())


def test_metadata_under_both_spellings() -> None:
    tests = read(IMAGE.replace("}}", ", tests: {metadataTest: {env: [{key: A, value: b}], envVars: [{key: C}]}}}}"))
    metadata = tests.images["api"].tests.metadata_test
    assert metadata is not None
    assert [variable.key for variable in metadata.variables] == ["C", "A"]


@pytest.mark.parametrize("written", ["github", "[github]", "[github, jenkins]"])
def test_one_word_or_a_list(written: str) -> None:
    assert read(f"pipelines: {{ci: {written}}}").pipelines.ci == tuple(written.strip("[]").split(", "))


def test_a_pattern_from_the_current_folder_is_the_same_pattern() -> None:
    found = read("manifests: {environments: {a: {paths: [./x.yaml, '!./y/**']}}}")
    assert found.manifests.environments["a"].paths == ("x.yaml", "!y/**")


@pytest.mark.parametrize("change", ["project", "images", "manifests"])
def test_nothing_can_be_changed(change: str) -> None:
    found = read(IMAGE)
    with pytest.raises(ValueError, match="frozen"):
        setattr(found, change, None)
    with pytest.raises(TypeError):
        found.images["b"] = found.images["api"]  # type: ignore[index]
    with pytest.raises(TypeError):
        found.images["api"].labels["b"] = "c"  # type: ignore[index]


def test_the_model_can_be_written_out() -> None:
    found = load(EXAMPLE)
    again = Config.model_validate(found.model_dump(by_alias=True, exclude_unset=True, exclude={"images"}))
    assert again.manifests == found.manifests


DELIVERY = """\
manifests:
  labels: [all]
  title: Deploy
  draft: true
  environments:
    staging: {paths: [s/**], deliver: push, draft: false}
    production: {paths: [p/**], labels: []}
"""


def test_an_environment_takes_from_manifests_what_it_does_not_say() -> None:
    manifests = read(DELIVERY).manifests
    staging, production, neither = (manifests.delivery(name) for name in ("staging", "production", None))
    assert (staging.deliver, staging.labels, staging.title, staging.draft) == ("push", ("all",), "Deploy", False)
    assert (production.deliver, production.labels, production.draft) == (None, (), True)
    assert (neither.deliver, neither.labels, neither.draft) == (None, ("all",), True)


# --- places ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("manifests.environments.staging.paths[0]", "6:23"),
        ("manifests.environments.staging.deliver", "6:39"),
        ("manifests.environments.staging", "6:14"),
        ("manifests.labels[0]", "2:12"),
        ("manifests.title", "3:10"),
        ("manifests.environments.staging.reviewers", "6:14"),
        ("manifests.environments.nowhere.paths[3]", "6:5"),
        ("pipelines.ci[0]", "1:1"),
        ("", "1:1"),
    ],
)
def test_where(address: str, place: str) -> None:
    assert read(DELIVERY).where(address) == f"pipelinegen.yaml:{place}"


def test_where_of_a_key_that_is_no_word() -> None:
    found = read("images:\n  api:\n    repository: a/b\n    labels:\n      org.example.a: ä\n      'x\"y': z\n")
    assert found.where('images.api.labels["org.example.a"]') == "pipelinegen.yaml:5:22"
    assert found.where('images.api.labels["x\\"y"]') == "pipelinegen.yaml:6:14"


def test_an_alias_stands_where_its_anchor_stands() -> None:
    found = read("images:\n  a: &a {repository: a/b}\n  b: *a\n")
    assert found.where("images.b.repository") == "pipelinegen.yaml:2:22"
    assert found.images["b"] == found.images["a"]


# --- errors ------------------------------------------------------------------------------------------------------


def _reason(text: str) -> str:
    with pytest.raises(InvalidReference) as caught:
        parse(text)
    return caught.value.reason


CAPITALS = _reason("ghcr.io/acme/API")


def test_everything_is_told_at_once_in_order_with_carets() -> None:
    error = refusal(
        """\
        version: 2
        images:
          api:
            repositry: ghcr.io/acme/api
            tags: [1.10, "type=sha"]
            platforms: linux/amd64
          Api_:
            repository: ghcr.io/acme/API
        manifests:
          environments:
            staging: {path: [x]}
        """
    )
    assert error.lines() == [
        "pipelinegen.yaml:1:10: version 2 is not known to this pipelinegen: it reads version 1",
        "  |    1 | version: 2",
        "  |      |          ^",
        '  | pipelinegen.yaml:3:3: "repository" is missing here',
        "  |    3 |   api:",
        "  |      |   ^^^",
        '  | pipelinegen.yaml:4:5: unknown key "repositry", did you mean "repository"?',
        "  |    4 |     repositry: ghcr.io/acme/api",
        "  |      |     ^^^^^^^^^",
        '  | pipelinegen.yaml:5:12: a text belongs here, not a number: write it in quotes, "1.10"',
        '  |    5 |     tags: [1.10, "type=sha"]',
        "  |      |            ^^^^",
        '  | pipelinegen.yaml:6:16: a list belongs here, not the text "linux/amd64": write [linux/amd64]',
        "  |    6 |     platforms: linux/amd64",
        "  |      |                ^^^^^^^^^^^",
        '  | pipelinegen.yaml:7:3: "Api_" is not a name: letters, digits, and inside it also . _ -',
        "  |    7 |   Api_:",
        "  |      |   ^^^^",
        f"  | pipelinegen.yaml:8:17: this is not the repository of an image: {CAPITALS}",
        "  |    8 |     repository: ghcr.io/acme/API",
        "  |      |                 ^^^^^^^^^^^^^^^^",
        '  | pipelinegen.yaml:11:5: "paths" is missing here',
        "  |   11 |     staging: {path: [x]}",
        "  |      |     ^^^^^^^",
        '  | pipelinegen.yaml:11:15: unknown key "path", did you mean "paths"?',
        "  |   11 |     staging: {path: [x]}",
        "  |      |               ^^^^",
        "  next: correct these 9 places; `pipelinegen schema` prints what the file may hold",
    ]


ENVIRONMENT = "manifests: {environments: {a: {paths: [x], %s}}}"
ONE_PROBLEM = {
    "empty": ("", "1:1: the file is empty"),
    "only a comment": ("# x\n", "1:1: the file is empty"),
    "a text": ("x", "1:1: the configuration is a mapping"),
    "a list": ("- a: 1", "1:1: the configuration is a mapping"),
    "null": ("~", "1:1: the configuration is a mapping"),
    "unknown key": ("a: 1", '1:1: unknown key "a": use version or project or images'),
    "near key": ("image: {}", '1:1: unknown key "image", did you mean "images"?'),
    "snake case": (ENVIRONMENT % "auto_merge: true", '1:44: unknown key "auto_merge", did you mean "auto-merge"?'),
    "key of another place": ("reviewers: [a]", '1:1: unknown key "reviewers" here: it belongs under manifests'),
    "key of a deeper place": (
        "manifests: {paths: [x]}",
        '1:13: unknown key "paths" here: it belongs under manifests.environments.NAME',
    ),
    "bake's word": (
        "images: {a: {repository: b, args: {A: b}}}",
        '1:29: unknown key "args": here it is build-args',
    ),
    "bake's cache": (
        "images: {a: {repository: b, cache-from: []}}",
        '1:29: unknown key "cache-from": here it is cache: {from: […]}',
    ),
    "key in a list": (
        "images: {a: {repository: b, tests: {httpTests: [{name: a, port: 1, url: x}]}}}",
        '1:68: unknown key "url"',
    ),
    "number for a text": ("project: 12", '1:10: a text belongs here, not a number: write it in quotes, "12"'),
    "1.10 for a text": (
        "images: {a: {repository: b, build-args: {V: 1.10}}}",
        '1:45: a text belongs here, not a number: write it in quotes, "1.10"',
    ),
    "true for a text": ("project: true", "1:10: a text belongs here, not the truth value true: write it in quotes"),
    "octal": ("project: 0123456", '1:10: 0123456 is not a text to every reader of YAML: write it in quotes, "0123456"'),
    "yes": (ENVIRONMENT % "draft: yes", "1:51: yes is not a text to every reader of YAML: write true"),
    "text for a truth value": (ENVIRONMENT % 'draft: "true"', '1:51: true or false belongs here, not the text "true"'),
    "text for a number": ("manifests: {max-files: '5'}", "1:24: a whole number belongs here, not the text"),
    "decimal for a number": ("manifests: {max-files: 5.5}", "1:24: a whole number belongs here, not a number"),
    "truth value for a number": ("version: true", "1:10: a whole number belongs here, not the truth value true"),
    "zero": ("manifests: {max-files: 0}", "1:24: this should be greater than or equal to 1"),
    "list for a text": ("project: [a]", "1:10: a text belongs here, not a list"),
    "text for a list": (ENVIRONMENT % "reviewers: a", '1:55: a list belongs here, not the text "a": write [a]'),
    "text for a mapping": ("images: api", '1:9: a mapping belongs here, not the text "api"'),
    "list for a mapping": ("images: [{name: api}]", "1:9: a mapping belongs here, not a list"),
    "mapping for a list": (ENVIRONMENT % "reviewers: {a: b}", "1:55: a list belongs here, not a mapping"),
    "no value": ("images:\n", "1:1: this has no value: write one, or remove the key"),
    "null value": ("project: null", "1:10: this has no value"),
    "no paths": ("manifests: {environments: {a: {paths: []}}}", "1:39: this must not be empty"),
    "unknown word": (
        ENVIRONMENT % "deliver: pr",
        '1:53: the text "pr" is not known here: use worktree or commit or push or pull-request',
    ),
    "near word": ("pipelines: {ci: [githb]}", '1:18: the text "githb" is not known here, did you mean "github"?'),
    "near single word": ("pipelines: {ci: github-action}", '"github-action" is not known here, did you mean "github"?'),
    "number for a word": ("pipelines: {pull: {agent: 1}}", "1:27: a number is not known here: use argocd or flux"),
    "key that is a number": ("images: {a: {repository: b, labels: {1: x}}}", "1:38: a key is a text: write it"),
    "key that is true": ("images: {a: {repository: b, labels: {true: x}}}", "1:38: a key is a text"),
    "key that is yes": ("images: {yes: {repository: b}}", "1:10: a key is a text: write it in quotes, \"yes\""),
    "environment name": ("manifests: {environments: {a/b: {paths: [x]}}}", '1:28: "a/b" is not a name'),
    "branch": (ENVIRONMENT % "base: a..b", "1:50: a branch name does not hold .."),
    "address with a user": ("manifests: {repository: 'https://x@h/y'}", "1:25: an address holds no user and no token"),
    "path upwards": ("manifests: {environments: {a: {paths: [../x]}}}", "1:40: the path must stay inside"),
    "duration without a unit": ("pipelines: {timeout: 30}", "1:22: write the unit, such as 30s"),
    "duration that is none": ("pipelines: {timeout: [30s]}", "1:22: write a duration as"),
    "tag rule": ("images: {a: {repository: b, tags: [type=semver]}}", "1:36: type=semver needs pattern=…"),
    "target that is not there": (
        "images: {a: {repository: b, contexts: {c: 'target:aa'}}}",
        '1:43: there is no image "aa" in this file, did you mean "a"?',
    ),
    "target of itself": (
        "images: {a: {repository: b, contexts: {c: 'target:a'}}}",
        '1:43: the image "a" would be built from itself',
    ),
    "tag": ("project: !x y", "1:10: the tag !x is not read here"),
    "merge": ("<<: {x: y}", "1:1: merge keys (<<) are not read"),
    "twice": ("project: a\nproject: b", '2:1: the key "project" is there twice, on the lines 1 and 2'),
    "syntax": ('x: "', "1:4: not valid YAML: this quote is never closed"),
    "NEL": ("project: b # c\u0085x: 1", "1:15: U+0085 (NEL) ends a line for some readers"),
    "two documents": ("project: a\n---\nproject: b", "2:1: a second document begins here"),
    "nesting": ("a: " + "[" * 1000 + "]" * 1000, "nested deeper than 64"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), ONE_PROBLEM.values(), ids=ONE_PROBLEM)
def test_one_problem(text: str, words: str) -> None:
    problems = told(text)
    assert words in problems[0]
    assert len(problems) == 1


def test_a_cycle_of_images_is_told_of_each() -> None:
    problems = told(
        """\
        images:
          a: {repository: x/a, contexts: {c: "target:b"}}
          b: {repository: x/b, contexts: {c: "target:a"}}
          c: {repository: x/c, contexts: {c: "target:a", d: ./folder, e: "docker-image://redis:7"}}
        """
    )
    assert [problem[:4] for problem in problems] == ["2:38", "3:38"]


def test_a_byte_order_mark_and_an_empty_list_of_images_are_accepted() -> None:
    assert loads(b"\xef\xbb\xbfimages: []", "x").images == {}


def test_the_place_behind_a_byte_order_mark_is_right() -> None:
    assert told(b"\xef\xbb\xbfproject: 12")[0].startswith("1:10:")


def test_windows_line_ends_are_read() -> None:
    assert loads(b"version: 1\r\nproject: shop\r\n", "x").project == "shop"


def test_a_problem_in_a_shared_value_is_told_once() -> None:
    assert len(told("images:\n  a: &a {repository: A}\n  b: *a\n  c: *a\n")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "manifests: {repository: 'https://user:%s@github.com/acme/manifests'}",
        "project: %s",
        "images: {a: {repository: b, build-args: {NPM_TOKEN: '%s'}}}",
        "unknown: {deep: [%s]}",
        "project: a # %s",
        "%s: 1",
        "project: '%s\n",
    ],
    ids=["url", "value", "build argument", "unknown key", "comment", "key", "broken file"],
)
def test_a_credential_is_refused_wherever_it_stands_and_not_repeated(text: str) -> None:
    secret = "ghp" + "_" + "a1B2" * 9
    error = refusal(text % secret)
    shown = "\n".join(error.lines()) + repr(error) + str(error.data())
    assert secret not in shown
    assert "credential" in shown or "never closed" in shown


def error_of(text: str) -> InputError | None:
    try:
        loads(text.encode(), "pipelinegen.yaml")
    except InputError as error:
        return error
    return None


def assert_read_or_told(text: str) -> None:
    error = error_of(text)
    if error is not None:
        assert str(error.where).startswith("pipelinegen.yaml:")
        assert all(line.isprintable() for line in error.lines())


@given(text=st.text(st.sampled_from("abimages:{}[]-&*!|>'\"#\n 1.t\u0085é"), max_size=60))
def test_any_text_is_a_configuration_or_an_error_with_a_place(text: str) -> None:
    assert_read_or_told(text)


VALUES = st.recursive(
    st.sampled_from(["x", "1", "1.10", "true", "~", "'q'", "type=sha", "a/b", "[]", "{}", "&a b", "!t c", "yes"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(["api", "repository", "paths", "tests", "httpTests", "port", "tags", "name", "1", "cache"]),
            inner,
            max_size=3,
        ).map(lambda pairs: f"{{{', '.join(f'{key}: {value}' for key, value in pairs.items())}}}"),
    ),
    max_leaves=8,
)


@given(top=st.dictionaries(st.sampled_from(["version", "project", "images", "manifests", "pipelines", "b"]), VALUES))
def test_any_structure_is_a_configuration_or_an_error_with_a_place(top: dict[str, str]) -> None:
    assert_read_or_told("".join(f"{key}: {value}\n" for key, value in top.items()))


# --- the file ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a folder two levels deep."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("name", config.NAMES)
@pytest.mark.parametrize("start", [".", "a", "a/b"])
def test_found_upwards(folder: Path, name: str, start: str) -> None:
    (folder / name).write_text(IMAGE)
    assert find(folder / start) == folder / name


def test_the_nearest_is_taken(folder: Path) -> None:
    for place in (folder, folder / "a"):
        (place / "pipelinegen.yml").write_text(IMAGE)
    assert find(folder / "a" / "b") == folder / "a" / "pipelinegen.yml"


def test_nothing_is_found(folder: Path) -> None:
    assert find(folder / "a" / "b") is None


@pytest.mark.parametrize("marker", ["folder", "file"], ids=["repository", "submodule or worktree"])
def test_a_file_above_the_repository_is_not_taken(folder: Path, marker: str) -> None:
    (folder / "pipelinegen.yaml").write_text(IMAGE)
    inner = folder / "a" / ".git"
    inner.mkdir() if marker == "folder" else inner.write_text("gitdir: x")
    assert find(folder / "a" / "b") is None
    assert find(folder / "a") is None


def test_outside_of_a_repository_the_search_goes_on_upwards(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "pipelinegen.yaml").write_text(IMAGE)
    assert find(tmp_path / "a" / "b") == tmp_path / "pipelinegen.yaml"


def test_two_files_in_one_folder_are_an_error(folder: Path) -> None:
    for name in config.NAMES:
        (folder / name).write_text(IMAGE)
    with pytest.raises(InputError, match="are both here") as caught:
        find(folder / "a")
    assert (caught.value.id, caught.value.where) == ("bad-config", str(folder))


def test_a_folder_that_is_given_relatively(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pipelinegen.yaml").write_text(IMAGE)
    monkeypatch.chdir(folder / "a" / "b")
    assert find(Path()) == folder / "pipelinegen.yaml"


def test_the_project_is_called_like_the_folder(tmp_path: Path) -> None:
    (tmp_path / "My App.2").mkdir()
    path = tmp_path / "My App.2" / "pipelinegen.yaml"
    path.write_text("version: 1\n")
    assert load(path).project == "my-app-2"
    path.write_text("project: other\n")
    assert load(path).project == "other"
    assert load(path).where("project").endswith("My App.2/pipelinegen.yaml:1:10")


def test_places_are_told_from_where_the_user_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pipelinegen.yaml").write_text("project: 12\n")
    monkeypatch.chdir(folder / "a")
    with pytest.raises(InputError) as caught:
        load(folder / "pipelinegen.yaml")
    assert caught.value.where == "../pipelinegen.yaml:1:10"


def test_the_folder_of_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pipelinegen.yaml").write_text(IMAGE)
    monkeypatch.chdir(folder / "a")
    assert load(folder / "pipelinegen.yaml").folder == Path("..")


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "broken link", "too big"])
def test_what_is_no_readable_file(folder: Path, kind: str) -> None:
    path = folder / "pipelinegen.yaml"
    words = {"folder": "is a directory", "pipe": "not a regular file", "too big": "over 1 MiB"}
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "broken link":
        path.symlink_to("nowhere")
    elif kind == "too big":
        path.write_bytes(b"#" * (1024 * 1024 + 1))
    assert find(folder) == (None if kind == "missing" else path)
    with pytest.raises(InputError) as caught:
        load(path)
    assert words.get(kind, "no such file") in caught.value.what
    assert caught.value.id == "bad-config"


def test_a_link_to_a_file_is_read(folder: Path) -> None:
    (folder / "a" / "shared.yaml").write_text("project: shop\n")
    (folder / "pipelinegen.yaml").symlink_to("a/shared.yaml")
    assert load(folder / "pipelinegen.yaml").project == "shop"


def test_looking_for_a_file_imports_nothing_heavy(folder: Path) -> None:
    script = (
        "import sys; from pipelinegen import config; config.find(sys.argv[1]); "
        "print([name for name in ('pydantic', 'yaml', 'pathlib', 'subprocess', 'difflib') if name in sys.modules])"
    )
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path[:0] = {sys.path!r}; {script}",
        str(folder / "a"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
