"""A pipeline as a workflow of GitHub."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.errors import Defect
from pipelinegen.pipelines.deployers import kubectl
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.model import (
    Answer,
    Artifact,
    Checkout,
    Condition,
    Credential,
    Custom,
    Deployment,
    Each,
    Event,
    Fact,
    Literally,
    Permission,
    Question,
    Run,
    Secret,
    Style,
    Triggers,
    Use,
)
from pipelinegen.pipelines.rendering.github import environment_of, stored
from pipelinegen.pipelines.rendering.github.paths import path_filters
from pipelinegen.pipelines.rendering.github.scalars import literally, plain, scalar
from tests.support import applications
from tests.support.hostile_values import VALUES
from tests.support.workflows import HELLO, READ, evaluated, faults, job, parsed, pipeline, read, steps, text_of

SCRIPT = ("first", "second")
KUBE = Credential("KUBE_CONFIG", "kubeconfig", "cluster", "deploy", "deploys", "production", file=True)
APP = Credential(
    "MANIFESTS_APP",
    "app",
    "manifest-repository",
    "contents",
    "to change it",
    repository="acme/manifests",
    grants=(Permission("contents", "write", "to push"), Permission("pull-requests", "write", "to open one")),
)
TOKEN = Credential("MANIFESTS_TOKEN", "token", "manifest-repository", "contents", "to change it")
LOGIN = Credential("REGISTRY", "password", "registry", "push", "to push", parts=("USERNAME", "PASSWORD"))
OWN = Credential("REGISTRY", "job-token", "registry", "push", "to push")
CLOUD = Credential("CLOUD", "oidc", "cloud", "deploy", "to deploy", parts=("ROLE", "AUDIENCE"))


def using(credential: Credential, *parts: str, **more: Any) -> dict[str, str]:
    """The variables of a step that uses parts of a credential."""
    env = {f"V{number}": Secret(credential.name, part) for number, part in enumerate(parts)}
    made = job("build", Run("Use it", SCRIPT, env), credentials=(credential,), **more)
    return dict(steps(pipeline(made))[-1]["env"])


# Texts.


@pytest.mark.parametrize(
    "text",
    [
        "Build and test",
        "v*",
        "${{ github.sha }}",
        "${{ runner.temp }}/tools",
        'pipelinegen build "$IMAGE" --no-push',
        "/deploy/*.yaml",
        "a:b",
        "github.event_name == 'push'",
        "https://shop.acme.example",
        "v1.10",
    ],
)
def test_what_every_reader_takes_for_the_same_is_plain(text: str) -> None:
    assert scalar(text) == text
    assert yaml.safe_load(f"key: {text}") == {"key": text}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "a ",
            " a",
            "yes",
            "No",
            "null",
            "~",
            "1.10",
            "1e3",
            "0o7",
            "12:30:45",
            "2024-01-01",
            ".5",
            "-",
            "- a",
        ),
        *(
            "a: b",
            "a:",
            "a #b",
            "#a",
            "!cancelled()",
            "*a",
            "&a",
            "[a]",
            "{a}",
            "'a'",
            '"a"',
            "%a",
            "@a",
            "`a`",
            "a\nb",
        ),
        *("a\tb", "\x7f", "\x85", "\ufeff", "\u2028", "é", "日本", "😀", "|", ">", "?", "on", "y", "a\r\nb", "a\n"),
    ],
)
def test_everything_else_is_quoted(text: str) -> None:
    assert not plain(text)
    assert scalar(text).startswith('"')
    assert yaml.load(f"key: {scalar(text)}", yaml.CSafeLoader) == {"key": text}


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PIECES = st.lists(
    st.sampled_from(["${{", "}}", "$", "{", "'", '"', "\\", "\n", " ", "#", ": ", "a", "-", "!", "😀"])
).map("".join)


@given(TEXTS | PIECES, st.sampled_from([0, 12]))
def test_any_text_arrives_as_it_is(text: str, width: int) -> None:
    written = f"{' ' * max(width - 2, 0)}key: {scalar(literally(text), width)}\n"
    assert evaluated(yaml.load(written, yaml.CSafeLoader)["key"]) == text
    assert evaluated(yaml.safe_load(written)["key"]) == text


def test_several_plain_lines_stand_below_their_key() -> None:
    made = job("build", Run("Paths", SCRIPT, {"PIPELINEGEN_PATH": Literally("/a/*.yaml\n!b/**")}))
    assert "PIPELINEGEN_PATH: |-\n            /a/*.yaml\n            !b/**\n" in text_of(pipeline(made))
    assert steps(pipeline(made))[1]["env"] == {"PIPELINEGEN_PATH": "/a/*.yaml\n!b/**"}


# Triggers.


def test_the_workflow_starts_by_what_its_jobs_want() -> None:
    triggers = Triggers(
        ("main", "release/*"),
        ("v*",),
        ("services/**",),
        "17 4 * * *",
        questions=(Question("what", "What?", ("a", "b"), "a"),),
    )
    events: tuple[Event, ...] = ("change", "branch", "tag", "schedule", "manual")
    document = read(pipeline(job(when=Condition(events)), triggers=triggers))
    assert document["on"] == {
        "pull_request": {"branches": ["main", "release/*"], "paths": ["services/**"]},
        "push": {"branches": ["main", "release/*"], "tags": ["v*"], "paths": ["services/**"]},
        "schedule": [{"cron": "17 4 * * *"}],
        "workflow_dispatch": {
            "inputs": {"what": {"description": "What?", "type": "choice", "options": ["a", "b"], "default": "a"}}
        },
    }
    assert "if" not in document["jobs"]["build"]


@pytest.mark.parametrize("event", ["change", "branch", "tag", "schedule", "manual"])
def test_a_single_event_starts_nothing_else(event: Event) -> None:
    names = {"change": "pull_request", "branch": "push", "tag": "push", "manual": "workflow_dispatch"}
    triggers = Triggers(("main",), ("v*",), schedule="1 1 * * *")
    document = read(pipeline(job(when=Condition((event,))), triggers=triggers))
    assert list(document["on"]) == [names.get(event, event)]
    if event in ("branch", "tag"):
        assert list(document["on"]["push"]) == ["branches" if event == "branch" else "tags"]


def test_free_text_is_asked_for_without_choices() -> None:
    asked = Triggers(("main",), questions=(Question("references", 'Which, as "A:B"?'),))
    document = read(pipeline(job(when=Condition(("manual",))), triggers=asked))
    assert document["on"]["workflow_dispatch"]["inputs"] == {
        "references": {"description": 'Which, as "A:B"?', "type": "string"}
    }


@pytest.mark.parametrize(
    ("patterns", "filters"),
    [
        ([], []),
        (["services/**"], ["services/**"]),
        (["**"], ["**/**"]),
        (["services/"], ["**/services/**"]),
        (["/services/"], ["services/**"]),
        (["services/api"], ["services/api", "services/api/**"]),
        (["*.md"], ["**/*.md", "**/*.md/**"]),
        (["src/**", "!*.md"], ["src/**", "!**/*.md", "!**/*.md/**"]),
        (["!docs/**"], ["**", "!docs/**"]),
        (["a?c/**"], ["a*c/**"]),
        (["c++/**"], [r"c\+\+/**"]),
    ],
)
def test_patterns_of_gitignore_become_path_filters(patterns: list[str], filters: list[str]) -> None:
    assert list(path_filters(patterns)) == filters


# Conditions.

ALL = Triggers(("main",), ("v*",), schedule="1 1 * * *", questions=(Question("target", "?", ("it's", "b")),))
_REST = job("rest", when=Condition(("change", "branch", "tag", "schedule", "manual")))
_OWN = (
    "github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository "
    "&& github.event.pull_request.user.login != 'dependabot[bot]'"
)


@pytest.mark.parametrize(
    ("when", "expression"),
    [
        (Condition(("change",)), "github.event_name == 'pull_request'"),
        (Condition(("branch",)), "github.event_name == 'push' && github.ref_type == 'branch'"),
        (Condition(("tag",)), "github.event_name == 'push' && github.ref_type == 'tag'"),
        (Condition(("branch", "tag")), "github.event_name == 'push'"),
        (Condition(("schedule",)), "github.event_name == 'schedule'"),
        (Condition(("manual",)), "github.event_name == 'workflow_dispatch'"),
        (
            Condition(("manual",), answered=("target", "it's")),
            "github.event_name == 'workflow_dispatch' && inputs.target == 'it''s'",
        ),
        (
            Condition(("schedule", "manual"), answered=("target", "b")),
            "github.event_name == 'schedule' || (github.event_name == 'workflow_dispatch' && inputs.target == 'b')",
        ),
        (
            Condition(("change", "branch")),
            "github.event_name == 'pull_request' || (github.event_name == 'push' && github.ref_type == 'branch')",
        ),
        (Condition(("change",), forks=False), _OWN),
        (Condition(("change", "schedule"), forks=False), f"({_OWN}) || github.event_name == 'schedule'"),
    ],
    ids=str,
)
def test_a_condition_says_which_runs_have_the_job(when: Condition, expression: str) -> None:
    document = read(pipeline(job(when=when), _REST, triggers=ALL))
    assert document["jobs"]["build"]["if"] == expression


def test_a_job_runs_although_one_before_it_was_not_wanted() -> None:
    first = job("first", when=Condition(("change",)))
    then = job("then", when=Condition(("change", "branch")), needs=("first",))
    last = job("last", when=Condition(("branch",)), needs=("then",))
    jobs = read(pipeline(first, then, last))["jobs"]
    assert jobs["then"]["if"] == "${{ !cancelled() && !failure() }}"
    assert jobs["last"]["if"] == (
        "${{ !cancelled() && !failure() && github.event_name == 'push' && github.ref_type == 'branch' }}"
    )
    assert jobs["then"]["needs"] == ["first"]


def test_a_job_that_needs_one_of_the_same_runs_waits_for_its_success_alone() -> None:
    jobs = read(pipeline(job("first"), job("then", needs=("first",))))["jobs"]
    assert "if" not in jobs["then"]


# Jobs.


def test_a_job_has_a_name_a_runner_a_time_and_only_its_rights() -> None:
    made = job(permissions=(READ, Permission("packages", "write", "to push the images")), timeout=12)
    text = text_of(pipeline(made, runner="my-runner"))
    assert parsed(text)["permissions"] == {}
    found = parsed(text)["jobs"]["build"]
    assert (found["name"], found["runs-on"], found["timeout-minutes"]) == ("Build", "my-runner", 12)
    assert found["permissions"] == {"contents": "read", "packages": "write"}
    assert "      packages: write  # to push the images\n" in text
    assert "  # DevOps: build\n  build:\n" in text


def test_a_job_without_rights_says_so() -> None:
    assert read(pipeline(job(permissions=())))["jobs"]["build"]["permissions"] == {}


def test_a_deployment_has_an_environment_a_page_and_a_place_in_the_queue() -> None:
    shown = Deployment("production", url="https://shop.acme.example", approval=True, reviewers=("acme/platform",))
    text = text_of(pipeline(job("deploy", environment=shown, lock="deploy-production")))
    found = parsed(text)["jobs"]["deploy"]
    assert found["environment"] == {"name": "production", "url": "https://shop.acme.example"}
    assert found["concurrency"] == {"group": "deploy-production", "cancel-in-progress": False}
    assert "    # waits for acme/platform: a protection rule of the environment, see SETUP.md\n" in text


@pytest.mark.parametrize(
    ("shown", "credentials", "name"),
    [
        (None, (), None),
        (None, (OWN,), None),
        (None, (CLOUD,), None),
        (None, (TOKEN,), "delivery"),
        (None, (APP,), "delivery"),
        (None, (LOGIN,), "delivery"),
        (Deployment("production"), (KUBE,), "production"),
        (Deployment("production", "look"), (KUBE,), "production-look"),
    ],
    ids=str,
)
def test_secrets_are_those_of_an_environment(
    shown: Deployment | None, credentials: tuple[Credential, ...], name: str | None
) -> None:
    made = job(environment=shown, credentials=credentials)
    assert environment_of(made) == name
    assert read(pipeline(made))["jobs"]["build"].get("environment") == name


def test_a_look_waits_for_nobody_and_is_not_shown_as_a_deployment() -> None:
    text = text_of(pipeline(job(environment=Deployment("p", "look", url="https://a.example", approval=True))))
    assert "    environment: p-look\n" in text
    assert "waits for" not in text


def test_a_matrix_has_a_leg_for_each_image() -> None:
    made = job("build", Run("Build", ('build "$IMAGE"',), {"IMAGE": Each()}), matrix=("api", "worker"))
    found = read(pipeline(made))["jobs"]["build"]
    assert found["strategy"] == {"fail-fast": False, "matrix": {"image": ["api", "worker"]}}
    assert found["steps"][1]["env"] == {"IMAGE": "${{ matrix.image }}"}


def test_values_for_all_jobs_stand_at_the_top() -> None:
    made = pipeline(variables={"LANG": Literally("C.UTF-8"), "COMMIT": Fact("commit")})
    assert read(made)["env"] == {"LANG": "C.UTF-8", "COMMIT": "${{ github.sha }}"}


def test_a_value_for_all_jobs_that_looks_like_an_expression_is_given_to_each_step() -> None:
    made = read(pipeline(job("build", HELLO, Run("Tell", SCRIPT)), variables={"A": Literally("${{ x }}")}))
    assert "env" not in made
    assert [evaluated(each["env"]["A"]) for each in made["jobs"]["build"]["steps"][1:]] == ["${{ x }}"] * 2


def test_where_github_allows_no_expression_there_is_none() -> None:
    asked = (Question("what", "a ${{ x }}?"),)
    triggers = Triggers(("a${{b}}",), ("${{ t }}",), ("p/${{ p }}/**",), questions=asked)
    whole = job(when=Condition(("change", "branch", "tag", "manual")))
    text = text_of(pipeline(whole, name="${{ n }}", triggers=triggers, header=("${{ h }}",)))
    document = parsed(text)
    assert document["name"] == "$ {{ n }}"
    assert document["on"]["push"] == {"branches": ["a$*{{b}}"], "tags": ["$*{{ t }}"], "paths": ["p/$*{{ p }}/**"]}
    assert document["on"]["workflow_dispatch"]["inputs"]["what"]["description"] == "a $ {{ x }}?"


@pytest.mark.parametrize("wrong", [Question("q", "?", ("${{ x }}",)), Question("q", "?", (), "${{ x }}")], ids=str)
def test_an_expression_cannot_be_offered(wrong: Question) -> None:
    with pytest.raises(Defect, match="offers an expression"):
        text_of(pipeline(job(when=Condition(("manual",))), triggers=Triggers(("main",), questions=(wrong,))))


def test_no_secret_is_for_all_jobs() -> None:
    with pytest.raises(Defect, match="a value for all jobs"):
        text_of(pipeline(variables={"TOKEN": Secret("TOKEN")}))


# Steps.


def test_the_checkout_leaves_no_credential() -> None:
    (first, second) = steps(pipeline(job(), job("all", permissions=(READ,))))[0], Checkout(history=True)
    assert first["with"] == {"persist-credentials": False}
    made = replace(job(), steps=(second, HELLO))
    assert steps(pipeline(made))[0]["with"] == {"fetch-depth": 0, "persist-credentials": False}


@pytest.mark.parametrize(("when", "condition"), [("success", None), ("failure", "failure()"), ("always", "always()")])
def test_a_step_may_run_after_a_failure(when: Any, condition: str | None) -> None:
    assert steps(pipeline(job("build", Run("Undo", SCRIPT, when=when))))[1].get("if") == condition


def test_a_step_says_the_stage_that_is_not_its_jobs() -> None:
    text = text_of(pipeline(job("build", Run("Look", SCRIPT, stage="monitor"))))
    assert "      # Stage: monitor\n      - name: Look\n" in text


def test_what_a_step_installs_is_found_by_those_after_it() -> None:
    found = steps(pipeline(job("build", Run("Install", ('cp tool "$TOOLS/bin/"',), installs=True))))[1]
    assert found["env"] == {"TOOLS": "${{ runner.temp }}/tools"}
    assert found["run"].splitlines() == [
        'mkdir -p "$TOOLS/bin"',
        'cp tool "$TOOLS/bin/"',
        'echo "$TOOLS/bin" >> "$GITHUB_PATH"',
    ]


def test_a_block_of_the_users_own_stands_between_the_steps() -> None:
    text = text_of(pipeline(job("build", Custom("before"), HELLO, Custom("after"))))
    assert "\n      # pipelinegen:begin before\n      # pipelinegen:end\n      - name: Say hello\n" in text
    assert text.endswith("\n      # pipelinegen:begin after\n      # pipelinegen:end\n")
    assert "\njobs:\n  # pipelinegen:begin jobs\n  # pipelinegen:end\n" in text


@pytest.mark.parametrize(
    ("fact", "expression"),
    [
        ("commit", "${{ github.sha }}"),
        ("branch", "${{ github.head_ref || github.ref_name }}"),
        ("tag", "${{ github.ref_type == 'tag' && github.ref_name || '' }}"),
        ("run-url", "${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}"),
        ("temporary-folder", "${{ runner.temp }}"),
    ],
)
def test_facts_reach_a_script_through_variables(fact: Any, expression: str) -> None:
    assert steps(pipeline(job("build", Run("Tell", SCRIPT, {"IT": Fact(fact)}))))[1]["env"] == {"IT": expression}


def test_an_answer_reaches_a_script_through_a_variable() -> None:
    found = steps(pipeline(job("build", Run("Tell", SCRIPT, {"IT": Answer("references")}))))[1]
    assert found["env"] == {"IT": "${{ inputs.references }}"}


@pytest.mark.parametrize("line", ["echo ${{ github.ref }}", " echo", "a\nb"])
def test_no_script_has_an_expression_of_github(line: str) -> None:
    with pytest.raises(Defect, match="cannot stand in a workflow"):
        text_of(pipeline(job("build", Run("Tell", (line,)))))


def test_an_action_is_pinned_by_its_commit_with_its_tag_behind() -> None:
    used = Use("Set up Docker Buildx", "setup-buildx-action", {"driver": Literally("docker")})
    text = text_of(pipeline(job("build", used)))
    assert "uses: docker/setup-buildx-action@37fe631027851001ddb9b187196cc803df7f5f0e  # v4.3.0\n" in text
    assert parsed(text)["jobs"]["build"]["steps"][1]["with"] == {"driver": "docker", "cache-binary": False}


def test_an_input_that_an_action_does_not_know_is_a_defect_of_ours() -> None:
    with pytest.raises(Defect, match="docker/setup-buildx-action has no input drivers"):
        text_of(pipeline(job("build", Use("Set up", "setup-buildx-action", {"drivers": Literally("docker")}))))


# Credentials.


def test_stored_values_are_secrets_but_for_what_is_none() -> None:
    assert using(LOGIN, "USERNAME", "PASSWORD") == {
        "V0": "${{ vars.REGISTRY_USERNAME }}",
        "V1": "${{ secrets.REGISTRY_PASSWORD }}",
    }
    assert using(TOKEN, "") == {"V0": "${{ secrets.MANIFESTS_TOKEN }}"}
    assert using(OWN, "USERNAME", "") == {"V0": "${{ github.actor }}", "V1": "${{ github.token }}"}


@pytest.mark.parametrize(
    ("credential", "names"),
    [
        (OWN, []),
        (TOKEN, ["secret MANIFESTS_TOKEN"]),
        (LOGIN, ["variable REGISTRY_USERNAME", "secret REGISTRY_PASSWORD"]),
        (APP, ["variable MANIFESTS_APP_CLIENT_ID", "secret MANIFESTS_APP_PRIVATE_KEY"]),
        (CLOUD, ["variable CLOUD_ROLE", "variable CLOUD_AUDIENCE"]),
        (KUBE, ["secret KUBE_CONFIG"]),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_it_is_known_what_a_person_must_store(credential: Credential, names: list[str]) -> None:
    assert [f"{'secret' if one.secret else 'variable'} {one.name}" for one in stored(credential)] == names


def test_an_apps_token_is_for_one_repository_and_asked_for_right_before_it_is_used() -> None:
    bump = Run("Bump", SCRIPT, {"PIPELINEGEN_TOKEN": Secret("MANIFESTS_APP")})
    names = [each["name"] for each in steps(pipeline(job("build", HELLO, bump, bump, credentials=(APP,))))]
    assert names[1:] == ["Say hello", "Get a token for acme/manifests alone", "Bump", "Bump"]
    found = steps(pipeline(job("build", HELLO, bump, credentials=(APP,))))[2:]
    assert found[0]["with"] == {
        "client-id": "${{ vars.MANIFESTS_APP_CLIENT_ID }}",
        "private-key": "${{ secrets.MANIFESTS_APP_PRIVATE_KEY }}",
        "owner": "acme",
        "repositories": "manifests",
        "permission-contents": "write",
        "permission-pull-requests": "write",
    }
    assert found[1]["env"] == {"PIPELINEGEN_TOKEN": "${{ steps.manifests-app-token.outputs.token }}"}


@pytest.mark.parametrize(
    "wrong", [replace(APP, repository="manifests"), replace(APP, grants=())], ids=["where", "what"]
)
def test_an_app_without_a_bound_is_a_defect_of_ours(wrong: Credential) -> None:
    with pytest.raises(Defect, match="has no repository, or no rights"):
        using(wrong, "")


def test_a_file_is_written_for_the_job_alone_before_it_is_used() -> None:
    run = Run("Deploy", SCRIPT, {"KUBECONFIG": Secret("KUBE_CONFIG")})
    written, used = steps(pipeline(job("build", run, credentials=(KUBE,), environment=Deployment("p"))))[1:]
    assert written["env"] == {"KUBE_CONFIG": "${{ secrets.KUBE_CONFIG }}", "FILE": "${{ runner.temp }}/kube-config"}
    assert written["run"].splitlines()[0] == "umask 077"
    assert used["env"] == {"KUBECONFIG": "${{ runner.temp }}/kube-config"}


def test_what_a_step_after_a_failure_needs_is_fetched_after_a_failure_too() -> None:
    undo = Run("Undo", SCRIPT, {"KUBECONFIG": Secret("KUBE_CONFIG")}, when="failure")
    found = steps(pipeline(job("build", HELLO, undo, credentials=(KUBE,))))[2:]
    assert [each["if"] for each in found] == ["failure()", "failure()"]


def test_an_identity_needs_a_right_and_its_token_is_masked() -> None:
    run = Run("Deploy", SCRIPT, {"TOKEN": Secret("CLOUD"), "ROLE": Secret("CLOUD", "ROLE")})
    document = read(pipeline(job("build", run, credentials=(CLOUD,))))["jobs"]["build"]
    assert document["permissions"] == {"contents": "read", "id-token": "write"}
    asked, used = document["steps"][1:]
    assert asked["env"] == {"AUDIENCE": "${{ vars.CLOUD_AUDIENCE }}"}
    assert 'echo "::add-mask::$token"' in asked["run"]
    assert used["env"] == {"TOKEN": "${{ steps.cloud-token.outputs.token }}", "ROLE": "${{ vars.CLOUD_ROLE }}"}


def test_an_identity_of_which_only_settings_are_used_is_not_asked_for() -> None:
    run = Run("Deploy", SCRIPT, {"ROLE": Secret("CLOUD", "ROLE")})
    assert len(steps(pipeline(job("build", run, credentials=(CLOUD,))))) == 2


def test_a_credential_that_the_job_does_not_have_is_a_defect_of_ours() -> None:
    with pytest.raises(Defect, match="uses the credential X, which the job does not have"):
        text_of(pipeline(job("build", Run("Use", SCRIPT, {"X": Secret("X")}))))


# What goes from job to job.

LEGS = (
    Artifact("meta-api", "meta-api.json", "handoff", "api"),
    Artifact("meta-web", "out/meta-web.json", "handoff", "web"),
)


def test_small_files_go_by_outputs_of_distinct_names() -> None:
    build = job("build", HELLO, matrix=("api", "web"), produces=LEGS)
    jobs = read(pipeline(build, job("bump", needs=("build",), takes=("meta-api", "meta-web"))))["jobs"]
    assert jobs["build"]["outputs"] == {
        "meta-api": "${{ steps.handover.outputs.meta-api }}",
        "meta-web": "${{ steps.handover.outputs.meta-web }}",
    }
    given = jobs["build"]["steps"][-1]
    assert (given["id"], given["env"]) == ("handover", {"FILES": "meta-api meta-api.json\nmeta-web out/meta-web.json"})
    checkout, api, web, _ = jobs["bump"]["steps"]
    assert checkout["uses"].startswith("actions/checkout@")
    assert api["env"] == {"CONTENT": "${{ needs.build.outputs.meta-api }}", "FILE": "meta-api.json"}
    assert web["run"].splitlines()[0] == 'mkdir -p "$(dirname "$FILE")"'


def test_binary_files_and_reports_are_uploaded() -> None:
    plan = Artifact("plan", "deploy/.work/plan", "binary")
    report = Artifact("reports", "reports/*.xml", "junit")
    made = job("build", HELLO, produces=(plan, report))
    jobs = read(pipeline(made, job("deploy", needs=("build",), takes=("plan",))))["jobs"]
    kept, told = jobs["build"]["steps"][2:]
    assert kept["with"] == {
        "name": "plan",
        "path": "deploy/.work/plan",
        "if-no-files-found": "error",
        "retention-days": 7,
        "include-hidden-files": True,
    }
    assert "if" not in kept
    assert (told["if"], told["with"]["if-no-files-found"]) == ("${{ !cancelled() }}", "ignore")
    assert jobs["deploy"]["steps"][1]["with"] == {"name": "plan", "path": "deploy/.work"}


def test_a_server_of_ones_own_takes_files_as_outputs_and_keeps_no_reports() -> None:
    """It has neither artifacts of this age nor anchors."""
    produces = (Artifact("plan", "deploy/plan", "binary"), Artifact("reports", "reports/*.xml", "junit"))
    build = job("build", HELLO, produces=produces)
    text = text_of(pipeline(build, job("deploy", needs=("build",), takes=("plan",)), anchors=False))
    jobs = parsed(text)["jobs"]
    assert jobs["build"]["outputs"] == {"plan": "${{ steps.handover.outputs.plan }}"}
    assert 'content=$(base64 --wrap=0 "$file")' in jobs["build"]["steps"][-1]["run"]
    assert "base64 --decode" in jobs["deploy"]["steps"][1]["run"]
    assert "artifact@" not in text
    assert not re.search(r"[-:] [&*]\w", text)


def test_each_leg_of_a_matrix_keeps_its_own_reports() -> None:
    reports = (Artifact("reports", "reports/*.xml", "junit"), Artifact("plan", "plan", "binary", "api"))
    all_, one = steps(pipeline(job("build", HELLO, matrix=("api", "web"), produces=reports)))[2:]
    assert all_["with"]["name"] == "reports-${{ matrix.image }}"
    assert one["if"] == "${{ matrix.image == 'api' }}"


def test_what_no_job_before_it_makes_cannot_be_taken() -> None:
    with pytest.raises(Defect, match="takes meta, which no job before it makes"):
        text_of(pipeline(job("bump", takes=("meta",))))


# Hostile texts of the configuration.


def scripts(document: dict[str, Any]) -> list[str]:
    return [step["run"] for each in document["jobs"].values() for step in each["steps"] if "run" in step]


@cache
def harmless(style: Style) -> list[str]:
    return scripts(read(design(applications.shop(), style, "github", kubectl)))


@pytest.mark.parametrize("value", VALUES, ids=ascii)
@pytest.mark.parametrize("style", ["pull", "push"])
def test_a_hostile_text_of_the_configuration_is_only_ever_a_value(style: Style, value: str) -> None:
    """No script differs from that of a harmless application, and each variable is what the design says."""
    made = design(applications.hostile(value), style, "github", kubectl)
    text = text_of(made)
    document = parsed(text)
    assert scripts(document) == harmless(style)
    for each in made.jobs:
        found = {step["name"]: step for step in document["jobs"][each.id]["steps"]}
        for step in each.steps:
            if isinstance(step, Run):
                env = found[evaluated(literally(step.name))].get("env", {})
                for name, wanted in step.env.items():
                    if isinstance(wanted, Literally):
                        assert evaluated(env[name]) == wanted.text
        if each.environment and each.environment.action == "deploy":
            assert evaluated(document["jobs"][each.id]["environment"]["url"]) == each.environment.url
    assert evaluated(document["jobs"]["check"]["runs-on"]) == made.runner
    assert faults(text) == []


def test_the_small_pipelines_keep_the_rules() -> None:
    build = job("build", HELLO, matrix=("api", "web"), produces=LEGS)
    bump = job("bump", Run("B", SCRIPT, {"T": Secret("MANIFESTS_APP")}), needs=("build",), credentials=(APP,))
    assert faults(text_of(pipeline(build, bump))) == []
