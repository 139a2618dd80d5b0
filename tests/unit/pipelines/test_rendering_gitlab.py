"""A pipeline as `.gitlab-ci.yml`: who runs when, which variable holds what, and what GitLab would otherwise misread."""

import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from pipelinegen.errors import Defect
from pipelinegen.pipelines.checked import RESERVED
from pipelinegen.pipelines.model import (
    Answer,
    Artifact,
    Checkout,
    Condition,
    Credential,
    Custom,
    Deployment,
    Each,
    Fact,
    Job,
    Literally,
    Pipeline,
    Question,
    Run,
    Secret,
    Triggers,
    Use,
)
from pipelinegen.pipelines.rendering import gitlab, gitlab_rules
from pipelinegen.pipelines.rendering.gitlab_jobs import environment_name
from tests.support.gitlab_ci import scripts_in, tree
from tests.support.hostile_values import MARK, VALUES

MAIN = Triggers(branches=("main",))
PUSH, CHANGE = Condition(("branch",)), Condition(("change",))
INSTALL = Run("Install it", ('touch "$TOOLS/bin/it"',), installs=True)


def job(id: str = "work", *steps: Any, **more: Any) -> Job:
    more.setdefault("when", PUSH)
    more.setdefault("stages", ("build",))
    return Job(id=id, title="Work", steps=steps or (Checkout(), Run("Do it", ("it",))), **more)


def pipeline(*jobs: Job, **more: Any) -> Pipeline:
    return Pipeline("push", "gitlab", "shop", more.pop("triggers", MAIN), jobs, **more)


def text_of(*jobs: Job, **more: Any) -> str:
    (file,) = gitlab.files(pipeline(*jobs, **more))
    assert file.path == ".gitlab-ci.yml"
    return file.text


def rendered(*jobs: Job, **more: Any) -> dict[str, Any]:
    return tree(text_of(*jobs, **more))


def ifs(found: dict[str, Any]) -> list[str]:
    return [rule["if"] for rule in found["rules"]]


def test_a_branch_gets_one_pipeline_for_a_push() -> None:
    found = rendered(job(), job("test", when=CHANGE))["workflow"]["rules"]
    assert found == [
        {
            "if": '$CI_PIPELINE_SOURCE == "merge_request_event" && $CI_MERGE_REQUEST_SOURCE_BRANCH_NAME == "main"',
            "when": "never",
        },
        {"if": '$CI_PIPELINE_SOURCE == "merge_request_event" && $CI_MERGE_REQUEST_TARGET_BRANCH_NAME == "main"'},
        {"if": '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == "main"'},
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (CHANGE, '$CI_PIPELINE_SOURCE == "merge_request_event"'),
        (
            Condition(("change",), forks=False),
            '$CI_PIPELINE_SOURCE == "merge_request_event" && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID',
        ),
        (PUSH, '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == "main"'),
        (Condition(("branch",), default_branch_only=False), '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH'),
        (Condition(("tag",)), '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_TAG'),
        (Condition(("schedule",)), '$CI_PIPELINE_SOURCE == "schedule"'),
        (Condition(("manual",)), "$CI_PIPELINE_SOURCE =~ /^(web|api)$/"),
        (
            Condition(("manual",), answered=("environment", "staging")),
            '$CI_PIPELINE_SOURCE =~ /^(web|api)$/ && $ENVIRONMENT == "staging"',
        ),
    ],
    ids=["change", "no-fork", "branch", "every-branch", "tag", "schedule", "manual", "answered"],
)
def test_a_condition_is_a_rule(condition: Condition, expected: str) -> None:
    assert ifs(rendered(job(when=condition))["work"]) == [expected]


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("main", ["main"], ["mains", "xmain", ""]),
        ("release/*", ["release/1.0", "release/"], ["release/a/b", "release"]),
        ("release/**", ["release/a/b"], ["releases"]),
        ("v?", ["v1"], ["v", "v12", "v/"]),
        ("v1.0", ["v1.0"], ["v1x0"]),
        ('a"b', ['a"b'], ["ab"]),
        ("a'b$HOME", ["a'b$HOME"], ["a'b"]),
        ("größe", ["größe"], ["groesse"]),
        ("feature 1 #2: x", ["feature 1 #2: x"], ["feature 1"]),
        ("[a](b)|c", ["[a](b)|c"], ["a", "c"]),
    ],
)
def test_a_pattern_matches_what_it_should(pattern: str, yes: list[str], no: list[str]) -> None:
    """The part that GitLab reads by RE2 is read here by Python, whose `re` means the same by what we write."""
    (rule,) = gitlab_rules.job_rules(Condition(("tag",)), replace(MAIN, tags=(pattern, "other")), approval=False)
    expression = tree(f"if: {rule.yaml}\n")["if"]
    assert expression == rule.condition
    written = expression.partition("$CI_COMMIT_TAG =~ /")[2].removesuffix("/")
    assert re.search(r"(?<!\\)/", written) is None
    meant = re.compile(re.sub(r"\\x\{(\w+)\}", lambda found: f"\\U{found[1]:0>8}", written))
    assert all(meant.fullmatch(name) for name in [*yes, "other"])
    assert not any(meant.fullmatch(name) for name in no)


@pytest.mark.parametrize(
    ("pattern", "globs"),
    [
        ("services/**", ("services/**/*",)),
        ("services/api/", ("services/api/**/*",)),
        ("docs", ("**/docs", "**/docs/**/*")),
        ("*.py", ("**/*.py", "**/*.py/**/*")),
        ("/go.mod", ("go.mod", "go.mod/**/*")),
        ("!README.md", ()),
        ("a/$HOME", ("a/[$]HOME", "a/[$]HOME/**/*")),
    ],
)
def test_a_pattern_of_gitignore_is_globs(pattern: str, globs: tuple[str, ...]) -> None:
    assert gitlab_rules.globs((pattern,)) == globs


def test_paths_hold_for_changes_and_branches_alone() -> None:
    triggers = replace(MAIN, paths=("src/**",), tags=("v*",))
    rules = rendered(job(when=Condition(("change", "branch", "tag"))), triggers=triggers)["work"]["rules"]
    assert [rule.get("changes") for rule in rules] == [["src/**/*"], ["src/**/*"], None]


def test_an_approval_is_a_person_who_starts_the_job() -> None:
    deploy = job("deploy", environment=Deployment("production", approval=True, reviewers=("acme/platform",)))
    found = rendered(deploy)["deploy"]
    assert [rule["when"] for rule in found["rules"]] == ["manual"]
    assert "allow_failure" not in found
    assert "# A person starts it (acme/platform)" in text_of(deploy)
    assert "when" not in rendered(job("drift", environment=Deployment("p", "look", approval=True)))["drift"]["rules"][0]


def test_a_deployment_is_never_cancelled_and_queues() -> None:
    environment = Deployment("production", url="https://shop.example/$HOME")
    found = rendered(job("deploy", environment=environment, lock="deploy-production"))["deploy"]
    assert found["environment"] == {
        "name": "production",
        "deployment_tier": "production",
        "url": "https://shop.example/%24HOME",
    }
    assert found["resource_group"] == "deploy-production"
    assert found["interruptible"] is False


@pytest.mark.parametrize(
    ("name", "tier"),
    [("production", "production"), ("staging", "staging"), ("qa-2", "testing"), ("dev", "development"), ("x", "other")],
)
def test_an_environment_has_a_tier(name: str, tier: str) -> None:
    found = rendered(job("deploy", environment=Deployment(name)))["deploy"]
    assert found["environment"]["deployment_tier"] == tier


@pytest.mark.parametrize(
    ("when", "action", "name"),
    [(CHANGE, "look", "production-look"), (PUSH, "look", "production"), (PUSH, "deploy", "production")],
    ids=["look-of-a-change", "look", "deploy"],
)
def test_a_look_for_a_change_has_credentials_of_its_own(when: Condition, action: Any, name: str) -> None:
    one = job("see", when=when, environment=Deployment("production", action, url="https://shop.example"))
    found = rendered(one)["see"]["environment"]
    assert found["name"] == environment_name(one) == name
    assert (found.get("action"), "url" in found) == (("verify", False) if action == "look" else (None, True))


def test_a_later_environment_has_its_stage_behind_the_earlier_one() -> None:
    jobs = (
        job("bump-staging", stages=("build",)),
        job("observe-staging", stages=("monitor",), needs=("bump-staging",)),
        job("bump-production", stages=("build",), needs=("observe-staging",)),
        job("observe-production", stages=("monitor",), needs=("bump-production",)),
    )
    found = rendered(*jobs)
    assert found["stages"] == ["build", "monitor", "build-production", "monitor-production"]
    assert [found[each.id]["stage"] for each in jobs] == found["stages"]


def test_a_need_that_may_be_missing_is_optional() -> None:
    build = job("build", when=Condition(("branch",)), produces=(Artifact("meta", "meta.json", "handoff"),))
    same = job("bump", needs=("build",), takes=("meta",))
    also = job("deploy", needs=("build",), when=Condition(("branch", "manual")))
    found = rendered(build, same, also)
    assert found["bump"]["needs"] == [{"job": "build", "artifacts": True}]
    assert found["deploy"]["needs"] == [{"job": "build", "artifacts": False, "optional": True}]
    assert found["build"]["needs"] == []


def test_artifacts_are_kept_after_a_failure_and_a_plan_is_not_for_everybody() -> None:
    reports = (Artifact("tests", "reports", "junit"), Artifact("diff", "diff.txt", "text"))
    found = rendered(job(produces=reports), job("plan", produces=(Artifact("plan", "tf.plan", "binary"),)))
    assert found["work"]["artifacts"] == {
        "when": "always",
        "expire_in": "7 days",
        "paths": ["diff.txt"],
        "reports": {"junit": ["reports/*.xml"]},
    }
    assert found["plan"]["artifacts"] == {"access": "developer", "expire_in": "7 days", "paths": ["tf.plan"]}


def test_each_leg_hands_on_its_own_file() -> None:
    files = tuple(Artifact(f"m-{leg}", f"m-{leg}.json", "handoff", leg) for leg in ("api", "web"))
    build = job("build", Run("Build", ('build "$WHICH"',), {"WHICH": Each()}), matrix=("api", "web"), produces=files)
    found = rendered(build)["build"]
    assert found["parallel"] == {"matrix": [{"MATRIX_IMAGE": ["api", "web"]}]}
    assert found["artifacts"]["paths"] == ["m-$MATRIX_IMAGE.json"]
    assert 'export WHICH="$MATRIX_IMAGE"' in scripts_in(found)


def test_values_are_variables_and_never_part_of_a_script() -> None:
    step = Run(
        "Say",
        ('say "$TEXT" "$SHA" "$TOKEN" "$ANSWERED"',),
        {
            "TEXT": Literally("100 % of $HOME"),
            "SHA": Fact("commit"),
            "TOKEN": Secret("FORGE"),
            "ANSWERED": Answer("which-one"),
        },
    )
    credential = Credential("FORGE", "token", "forge", "read", "why")
    found = rendered(job("say", step, credentials=(credential,)))["say"]
    assert found["variables"] == {
        "STEP_TEXT": {"value": "100 % of $HOME", "expand": False},
        "GIT_STRATEGY": "none",
    }
    script = scripts_in(found)
    assert "100 %" not in script
    sources = {"TEXT": "STEP_TEXT", "SHA": "CI_COMMIT_SHA", "TOKEN": "FORGE", "ANSWERED": "WHICH_ONE"}
    assert "".join(f'  export {name}="${source}"\n' for name, source in sources.items()) in script


@pytest.mark.parametrize("kind", ["job-token", "oidc", "token"])
def test_the_token_of_the_job_is_asked_for_by_gitlabs_own_name(kind: Any) -> None:
    credential = Credential("REGISTRY", kind, "registry", "push", "why")
    step = Run("Log in", ('log-in "$PASSWORD"',), {"PASSWORD": Secret("REGISTRY")})
    found = rendered(job("work", step, credentials=(credential,)))["work"]
    expected = "$CI_JOB_TOKEN" if kind == "job-token" else "$REGISTRY"
    assert f'export PASSWORD="{expected}"' in scripts_in(found)
    assert ("id_tokens" in found) is (kind == "oidc")


def test_two_steps_may_know_one_name_with_two_values() -> None:
    steps = [Run(f"Say {text}", ('say "$WORD"',), {"WORD": Literally(text)}) for text in ("one", "two")]
    found = rendered(job("say", *steps, Run("Say", ('say "$WORD_1"',), {"WORD_1": Literally("three")})))["say"]
    assert {name: text for name, text in found["variables"].items() if "WORD" in name} == {
        "STEP_WORD_1": "three",
        "STEP_WORD_2": "one",
        "STEP_WORD_3": "two",
    }
    assert 'export WORD="$STEP_WORD_2"' in found["script"][0]
    assert 'export WORD="$STEP_WORD_3"' in found["script"][1]
    assert found["script"][2] == '# Say\n(\n  export WORD_1="$STEP_WORD_1"\n  say "$WORD_1"\n)\n'


def test_variables_of_the_project_do_not_say_where_is_deployed() -> None:
    """They win over a job's in GitLab, so no step reads a variable that somebody may have set for something else."""
    step = Run("Apply", ('apply "$NAMESPACE" "$URL"',), {"NAMESPACE": Literally("shop"), "URL": Literally("https://x")})
    found = rendered(job("work", step))["work"]
    assert {name for name in found["variables"] if not name.startswith(("STEP_", "GIT_"))} == set()
    assert 'export NAMESPACE="$STEP_NAMESPACE"' in found["script"][0]
    assert 'export URL="$STEP_URL"' in found["script"][0]


def test_an_option_of_one_step_is_not_that_of_another() -> None:
    bump = Run("Bump", ("pipelinegen bump",), {"PIPELINEGEN_PATH": Literally("apps/**")})
    found = rendered(job("work", bump, Run("Look", ("pipelinegen observe",))))["work"]
    assert "PIPELINEGEN_PATH" not in found["variables"]
    assert 'export PIPELINEGEN_PATH="$STEP_PIPELINEGEN_PATH"' in found["script"][0]
    assert found["script"][1] == "# Look\npipelinegen observe\n"


@pytest.mark.parametrize(
    ("line", "alone"),
    [
        ("cd deploy", True),
        ("exit 0", True),
        ("trap 'x' EXIT", True),
        ("kubectl set image x", True),
        ("echo abcd", False),
    ],
)
def test_a_step_that_changes_its_shell_has_one_of_its_own(line: str, alone: bool) -> None:
    (item,) = rendered(job("work", Run("Do", (line,))))["work"]["script"]
    assert item == (f"# Do\n(\n  {line}\n)\n" if alone else f"# Do\n{line}\n")


def test_the_end_of_a_here_document_stays_at_the_beginning_of_its_line() -> None:
    (item,) = rendered(job("work", Run("Do", ("cd x", "cat <<END", "text", "END"))))["work"]["script"]
    assert item == "# Do\n(\ncd x\ncat <<END\ntext\nEND\n)\n"


def test_what_follows_a_failure_runs_after_the_script() -> None:
    steps = (
        Run("Apply", ("apply",)),
        Run("Undo", ("undo",), when="failure"),
        Run("Log out", ("out",), when="always"),
    )
    found = rendered(job("work", *steps))["work"]
    assert found["script"] == ["# Apply\napply\n"]
    assert found["after_script"][-2:] == [
        '# Undo\nif [[ "$CI_JOB_STATUS" != success ]]; then (\n  undo\n); fi\n',
        "# Log out\nout\n",
    ]


def test_jobs_that_begin_alike_have_it_from_one_place() -> None:
    other = Run("Install another 1.36.3", ("true",), {"VERSION": Literally("1")}, installs=True)
    found = rendered(
        job("one", INSTALL, Run("Do it", ("it",))),
        job("two", Checkout(), INSTALL, Run("Do it", ("it",))),
        job("three", INSTALL, other, Run("Do it", ("it",), {"VERSION": Literally("1")})),
        job("four", INSTALL, other, Run("Do it", ("it",), {"VERSION": Literally("2")})),
    )
    assert [found[name]["extends"] for name in ("one", "two", "three")] == [".it", ".it", ".it-and-another"]
    assert found[".it"]["before_script"][1] == '# Install it\ntouch "$TOOLS/bin/it"\n'
    assert found[".it-and-another"]["variables"] == {"STEP_VERSION": "1"}
    # Another value under the same name would reach the shared step.
    assert found["four"]["extends"] == ".plain"
    assert len(found["four"]["script"]) == 3


def test_a_job_that_builds_has_docker_beside_it() -> None:
    text = text_of(job("build", INSTALL, Run("Build", ("build",)), image="docker"))
    shared = tree(text)[".it-and-docker"]
    assert re.fullmatch(r"docker\.io/library/docker:[\w.-]+@sha256:[0-9a-f]{64}", shared["services"][0]["name"])
    assert shared["variables"]["DOCKER_HOST"] == "tcp://docker:2376"
    assert re.search(r"^  image: docker\.io/library/python:[\w.-]+@sha256:[0-9a-f]{64}$", text, re.M)


def test_what_is_an_action_elsewhere_is_a_command_here() -> None:
    uses = (Use("Emulate", "setup-qemu-action"), Use("Buildx", "setup-buildx-action"))
    found = rendered(job("build", *uses, INSTALL, Run("Build", ("build",)), image="docker"))["build"]
    assert found["extends"] == ".it-and-docker"
    assert 'docker run --privileged --rm "$EMULATORS" --install all\n' in found["script"][0]
    assert re.fullmatch(
        r"docker\.io/tonistiigi/binfmt:[\w.-]+@sha256:[0-9a-f]{64}", found["variables"]["STEP_EMULATORS"]
    )
    assert found["script"][1:] == ["# Build\nbuild\n"]


@pytest.mark.parametrize(
    ("runner", "tags"), [("ubuntu-24.04", None), ("shop runner: #1", ["shop runner: #1"])], ids=["hosted", "own"]
)
def test_a_runner_of_ones_own_is_named_by_its_tag(runner: str, tags: list[str] | None) -> None:
    assert rendered(job(), runner=runner)[".job"].get("tags") == tags


def test_what_a_person_is_asked_stands_in_the_form() -> None:
    questions = (
        Question("environment", "Which: one?", ("staging", "production"), "staging"),
        Question("references", "All of them"),
        Question("how", "How", ("slow",)),
    )
    found = rendered(job(when=Condition(("manual",))), triggers=replace(MAIN, questions=questions))["variables"]
    assert found == {
        "ENVIRONMENT": {"description": "Which: one?", "value": "staging", "options": ["staging", "production"]},
        "REFERENCES": {"description": "All of them", "value": ""},
        "HOW": {"description": "How", "value": "", "options": ["", "slow"]},
    }


def test_variables_of_the_whole_pipeline() -> None:
    variables = {"TEXT": Literally("$HOME"), "PLAIN": Literally("x"), "BRANCH": Fact("branch"), "SHA": Fact("commit")}
    assert rendered(job(), variables=variables)["variables"] == {
        "TEXT": {"value": "$HOME", "expand": False},
        "PLAIN": "x",
        "BRANCH": "${CI_COMMIT_BRANCH}",
        "SHA": "$CI_COMMIT_SHA",
    }


def test_blocks_of_the_user_stand_where_their_items_belong() -> None:
    text = text_of(job("work", Custom("before"), Run("Do", ("it",)), Custom("after")))
    assert "  script:\n    # pipelinegen:begin before\n    # pipelinegen:end\n    - |\n" in text
    assert "      it\n    # pipelinegen:begin after\n    # pipelinegen:end\n" in text
    assert text.endswith("# pipelinegen:begin jobs\n# pipelinegen:end\n")


@pytest.mark.parametrize("depth", [None, "0"], ids=["one-commit", "history"])
def test_the_checkout_is_as_deep_as_asked(depth: str | None) -> None:
    found = rendered(job("work", Checkout(history=depth is not None), Run("Do", ("it",))))["work"]
    assert found.get("variables", {}).get("GIT_DEPTH") == depth


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_that_gitlab_takes_for_something_else_is_refused(name: str) -> None:
    with pytest.raises(Defect, match="GitLab takes no job with the name"):
        gitlab.files(pipeline(job(name)))


@pytest.mark.parametrize("name", [".hidden", "a b", "", "a:b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Defect, match="GitLab takes no job with the name"):
        gitlab.files(pipeline(job(name)))


def test_a_secret_without_its_credential_is_a_defect() -> None:
    with pytest.raises(Defect, match="the job has no credential FORGE"):
        gitlab.files(pipeline(job("work", Run("Do", ("it",), {"TOKEN": Secret("FORGE")}))))


def test_the_same_pipeline_is_the_same_text() -> None:
    jobs = (job("one", INSTALL, Run("Do it", ("it",))), job("two", when=CHANGE))
    assert text_of(*jobs) == text_of(*jobs)
    yaml.compose(text_of(*jobs))


@pytest.mark.parametrize("value", VALUES)
def test_a_hostile_text_is_a_value_wherever_it_may_stand(value: str) -> None:
    """The file has the same keys as with a harmless text, and the text is where it should be, and comments are."""

    def made(text: str) -> dict[str, Any]:
        credential = Credential("KEY", "token", "forge", text, text)
        environment = Deployment("production", url=f"https://x/{text}", approval=True, reviewers=(text,))
        one = job(
            "deploy",
            Run(text, ("it",), {"TEXT": Literally(text)}),
            Run(text, ("it",), when="always"),
            environment=environment,
            credentials=(credential,),
            when=Condition(("change", "branch", "tag", "manual")),
        )
        one = replace(one, title=text)
        triggers = Triggers(
            ("main", f"b{text}"), (f"t{text}",), (f"p{text}",), "0 5 * * 1", questions=(Question("q", text, (), text),)
        )
        variables = {"GLOBAL": Literally(text)}
        return rendered(one, triggers=triggers, runner=f"r{text}", header=(text, ""), variables=variables)

    def shape(found: Any) -> Any:
        if isinstance(found, dict):
            keys = {name: shape(inner) for name, inner in found.items() if name != "expand"}
            return "text" if set(keys) == {"value"} else keys
        return [shape(inner) for inner in found] if isinstance(found, list) else "text"

    def text_in(found: Any) -> Any:
        return found["value"] if isinstance(found, dict) else found

    found = made(value)
    assert shape(found) == shape(made("harmless"))
    assert found[".job"]["tags"] == [f"r{value}"]
    assert text_in(found["variables"]["GLOBAL"]) == value
    assert found["variables"]["Q"]["description"] == found["variables"]["Q"]["value"] == value
    assert text_in(found["deploy"]["variables"]["STEP_TEXT"]) == value
    assert found["deploy"]["environment"]["url"].replace("%24", "$") == f"https://x/{value}"
    assert found["deploy"]["script"][0].endswith("\n  it\n)\n")
    assert MARK not in "".join(found["deploy"]["script"]).partition("\n")[2]
