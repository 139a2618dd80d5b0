"""Which jobs of GitLab an event starts, as gitlab-ci-local reads the rules."""

from __future__ import annotations

import pytest

from pipelinegen.pipelines.deployers import DEPLOYERS
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.rendering import gitlab
from tests.support import applications
from tests.support.gitlab_runner import Project, project

CHANGE = {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature",
    # What gitlab-ci-local says of the project itself.
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1217",
}
DELIVERY = {"build: [api]": "on_success", "build: [worker]": "on_success", "deploy-staging": "on_success"}
TESTS = dict.fromkeys(("check", "test: [api]", "test: [worker]"), "on_success")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = project(tmp_path_factory.mktemp("events") / "shop", "https://gitlab.example/acme/shop.git")
    (file,) = gitlab.files(design(applications.shop(), "push", "gitlab", DEPLOYERS["kubectl"]))
    made.write({file.path: file.text})
    return made


@pytest.mark.parametrize(
    ("branch", "variables", "expected"),
    [
        ("main", {}, {**DELIVERY, "check": "on_success", "deploy-production": "manual"}),
        (None, {"CI_COMMIT_TAG": "v1.0"}, {**DELIVERY, "deploy-production": "manual"}),
        (None, {"CI_COMMIT_TAG": "nightly"}, {}),
        (None, CHANGE, {**TESTS, **dict.fromkeys(("plan-staging", "plan-production"), "on_success")}),
        (None, {**CHANGE, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2"}, TESTS),
        ("main", {"CI_PIPELINE_SOURCE": "schedule"}, {"drift-staging": "on_success", "drift-production": "on_success"}),
        ("main", {"CI_PIPELINE_SOURCE": "web", "ENVIRONMENT": "staging"}, {"rollback-staging": "on_success"}),
        ("main", {"CI_PIPELINE_SOURCE": "api", "ENVIRONMENT": "production"}, {"rollback-production": "manual"}),
    ],
    ids=["main", "tag", "other-tag", "change", "fork", "schedule", "by-hand", "by-hand-with-approval"],
)
def test_an_event_starts_its_jobs_and_no_others(
    shop: Project, branch: str | None, variables: dict[str, str], expected: dict[str, str]
) -> None:
    given = {"CI_COMMIT_BRANCH": branch, **variables} if branch else variables
    unset = () if branch else ("CI_COMMIT_BRANCH",)
    assert shop.listed(*unset, **given) == expected
