"""Which statuses are an agent's, and what those on a commit and on later ones say together."""

from __future__ import annotations

import pytest

from pipelinegen.commands.verdict import Reported, judge_statuses, named_environment, wanted_statuses
from pipelinegen.edge.forge.port import CommitStatus, Health

ENVIRONMENTS = ("staging", "production", "production-eu", "qa")

# asked for, environment, name: does it count?
COUNTED = [
    ((), None, "argocd/shop", True),
    ((), None, "continuous-delivery/shop", True),
    ((), None, "kustomization/shop/0c9c2e41", True),
    ((), None, "Kustomization/Shop", True),
    ((), None, "helmrelease/shop/0c9c2e41", True),
    ((), None, "prod-01/kustomization/shop", True),
    ((), None, "ci/build", False),
    ((), None, "continuous-integration/jenkins/branch", False),
    ((), None, "argocd", False),
    ((), None, "build/argocd/image", False),
    ((), "production", "argocd/shop", True),
    ((), "production", "argocd/shop-production", True),
    ((), "production", "argocd/shop-staging", False),
    ((), "production", "argocd/shop-production-eu", False),
    ((), "production-eu", "argocd/shop-production-eu", True),
    ((), "production-eu", "argocd/shop-production", False),
    ((), "production", "kustomization/shop/production", True),
    ((), "production", "deploy/production", True),
    ((), "production", "deploy/staging", False),
    ((), "qa", "argocd/aqua", True),  # the name is no word of it
    ((), "staging", "argocd/aqua", True),
    (("argocd/shop-*",), "production", "argocd/shop-staging", True),  # what was asked for is meant
    (("argocd/shop-*",), "production", "argocd/web", False),
    (("My Agent",), None, "my agent", True),
    (("a", "b*"), None, "bc", True),
    (("a", "b*"), None, "c", False),
]


@pytest.mark.parametrize(("asked", "environment", "context", "counts"), COUNTED)
def test_which_statuses_count(asked: tuple[str, ...], environment: str | None, context: str, counts: bool) -> None:
    assert wanted_statuses(asked, environment, ENVIRONMENTS).counts(context) is counts


@pytest.mark.parametrize(
    ("context", "named"),
    [
        ("argocd/shop-production", "production"),
        ("argocd/shop-production-eu", "production-eu"),
        ("PRODUCTION/x", "production"),
        ("argocd/reproduction", None),
        ("argocd/shop", None),
    ],
)
def test_the_environment_that_a_name_holds(context: str, named: str | None) -> None:
    assert named_environment(context, ENVIRONMENTS) == named


def on(commit: str, *, holds: bool = True, **statuses: Health) -> Reported:
    return Reported(commit, holds, tuple(CommitStatus(f"argocd/{name}", state) for name, state in statuses.items()))


# reports, newest commit first, and the outcome
OUTCOMES = {
    "nothing yet": ([on("ours")], "waiting"),
    "at work": ([on("ours", a="pending")], "waiting"),
    "done": ([on("ours", a="success")], "healthy"),
    "broken": ([on("ours", a="failure")], "failed"),
    "one of two at work": ([on("ours", a="success", b="pending")], "waiting"),
    "one of two broken": ([on("ours", a="success", b="failure")], "failed"),
    "done on a later commit": ([on("later", a="success"), on("ours")], "healthy"),
    "broken, then mended by a later commit": ([on("later", a="success"), on("ours", a="failure")], "healthy"),
    "broken, and a later commit is at work": ([on("later", a="pending"), on("ours", a="failure")], "waiting"),
    "done, and then broken by a later commit": ([on("later", a="failure"), on("ours", a="success")], "healthy"),
    "broken by a later commit before it was done": ([on("later", a="failure"), on("ours", a="pending")], "failed"),
    "replaced": ([on("other", holds=False, a="success"), on("ours")], "replaced"),
    "replaced, the other broken": ([on("other", holds=False, a="failure"), on("ours")], "replaced"),
    "about to be replaced": ([on("other", holds=False, a="pending"), on("ours")], "waiting"),
    "replaced while at work": ([on("other", holds=False, a="success"), on("ours", a="pending")], "waiting"),
    "done before it was replaced": ([on("other", holds=False, a="success"), on("ours", a="success")], "healthy"),
}


@pytest.mark.parametrize(("reports", "outcome"), OUTCOMES.values(), ids=OUTCOMES)
def test_what_the_reports_say_together(reports: list[Reported], outcome: str) -> None:
    assert judge_statuses(reports, wanted_statuses((), None, ())).outcome == outcome


def test_every_name_that_was_asked_for_must_report() -> None:
    wanted = wanted_statuses(("argocd/a", "argocd/b"), None, ())
    half = judge_statuses([on("ours", a="success")], wanted)
    assert (half.outcome, half.missing) == ("waiting", ("argocd/b",))
    assert judge_statuses([on("later", b="success"), on("ours", a="success")], wanted).outcome == "healthy"


def test_the_last_word_names_its_commit_and_the_rest_is_ignored() -> None:
    reports = [on("later", a="success"), Reported("ours", True, (CommitStatus("ci/build", "failure"),))]
    verdict = judge_statuses(reports, wanted_statuses((), None, ()))
    assert [(word.commit, word.status.context) for word in verdict.said] == [("later", "argocd/a")]
    assert (verdict.outcome, verdict.ignored) == ("healthy", ("ci/build",))


def test_what_is_waited_for_in_words() -> None:
    assert str(wanted_statuses(("a", "b"), None, ())) == "a and b"
    assert str(wanted_statuses((), "qa", ())).endswith(" or */qa")
