"""Pipelines of GitLab, executed: hostile texts arrive as they are and nothing of them runs."""

from __future__ import annotations

from pathlib import Path

from pipelinegen.pipelines.model import Answer, Condition, Custom, Job, Literally, Pipeline, Question, Run, Triggers
from pipelinegen.pipelines.rendering import gitlab
from tests.support.gitlab_runner import for_this_runner, project
from tests.support.hostile_values import MARK, VALUES

WRITE = 'printf "%s" "$VALUE" > "$OUT/$CI_JOB_NAME-$NUMBER"'


def test_thirty_hostile_values_arrive_and_nothing_of_them_runs(tmp_path: Path) -> None:
    """As values of steps, of the whole pipeline, as what a person is asked, and as names of steps and jobs."""
    out = tmp_path / "out"
    out.mkdir()
    push = Condition(("branch",))
    numbered = [{"VALUE": Literally(value), "NUMBER": Literally(str(at))} for at, value in enumerate(VALUES)]
    steps = [Run(f"Write {value}", (WRITE,), env) for env, value in zip(numbered, VALUES, strict=True)]
    late = [
        Run(f"Write {value}", (f"{WRITE}-late",), env, when="always")
        for env, value in zip(numbered, VALUES, strict=True)
    ]
    asked = tuple(Question(f"q{at}", value, (), value) for at, value in enumerate(VALUES))
    answers = [
        Run(f"Write {at}", (f"{WRITE}-asked",), {"VALUE": Answer(f"q{at}"), "NUMBER": Literally(str(at))})
        for at in range(len(VALUES))
    ]
    look = Run("Look", (f'find . -name "{MARK}*" > "$OUT/found-$CI_JOB_NAME"',), when="always")
    whole = [Run(f"Write {at}", (f'printf "%s" "$G{at}" > "$OUT/global-{at}"',)) for at in range(len(VALUES))]
    jobs = (
        Job("values", VALUES[7], ("build",), push, (*steps, Custom("own"), *late, look)),
        Job("answers", VALUES[8], ("build",), push, (*answers, *whole, look)),
    )
    variables = {f"G{at}": Literally(value) for at, value in enumerate(VALUES)}
    pipeline = Pipeline(
        "push", "gitlab", "shop", Triggers(("main",), questions=asked), jobs, header=VALUES, variables=variables
    )
    shop = project(tmp_path / "shop", "https://gitlab.example/acme/shop.git", OUT=str(out))
    (file,) = gitlab.files(pipeline)
    shop.write({file.path: for_this_runner(file.text)})
    ran = shop.run()
    assert ran.jobs == {"values": "PASS", "answers": "PASS"}, ran.said
    arrived = {path.name: path.read_bytes().decode("utf-8") for path in out.iterdir()}
    for at, value in enumerate(VALUES):
        for name in (f"values-{at}", f"values-{at}-late", f"answers-{at}-asked", f"global-{at}"):
            assert arrived[name] == value
    assert len(arrived) == 4 * len(VALUES) + 2
    assert arrived["found-values"] == arrived["found-answers"] == ""
    assert not list(tmp_path.rglob(MARK))
