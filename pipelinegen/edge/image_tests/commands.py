"""Tests that run a command in a container of the image, several at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pipelinegen.config.images import CommandTest, KeyValue
from pipelinegen.edge.engines.port import RUN_SECONDS, Engine, Tell
from pipelinegen.edge.image_tests.spec import Case, Found, check_text, judge, last
from pipelinegen.edge.image_tests.subject import Subject
from pipelinegen.edge.image_tests.variables import expand, expanded
from pipelinegen.errors import WorldError

AT_ONCE = min(4, (os.cpu_count() or 1) + 1)


def command_cases(
    tests: Sequence[CommandTest],
    shared: Sequence[KeyValue],
    subject: Subject,
    variables: Mapping[str, str],
    tell: Tell,
) -> list[Case]:
    """`shared`: globalEnvVars; `variables`: the environment of the image itself."""
    common = expanded(shared, variables)

    def one(test: CommandTest) -> Case:
        return judge(test.name, "command", partial(_run, test, subject, {**variables, **common}, common, tell))

    if len(tests) < 2:
        return [one(test) for test in tests]
    pool = ThreadPoolExecutor(AT_ONCE, "command-test")
    try:
        return list(pool.map(one, tests))
    finally:
        # After an interruption nothing is waited for: the engine ends what runs when it is closed.
        pool.shutdown(wait=False, cancel_futures=True)


def _run(test: CommandTest, subject: Subject, known: Mapping[str, str], common: Mapping[str, str], tell: Tell) -> Found:
    engine, local = subject.engine(), subject.local()
    own = {each.key: each.value for each in test.env_vars}
    before = {**common, **expanded(test.env_vars, known)}
    for words in test.setup:
        # What a setup exits with is no matter: container-structure-test looks at the test's own command alone.
        done = engine.run(local, words, env=before, timeout=RUN_SECONDS, keep=True)
        local = done.local or local
    words = tuple(expand(word, known) for word in (test.command, *test.args))
    keep = bool(test.teardown)
    ran = engine.run(local, words, env={**common, **own}, timeout=RUN_SECONDS, keep=keep)
    _tear_down(test, engine, ran.local, {**common, **own}, tell)
    stdout, stderr = (data.decode("utf-8", "replace") for data in (ran.stdout, ran.stderr))
    problems = [
        *check_text(test.expected_error, test.excluded_error, stderr, "its standard error"),
        *check_text(test.expected_output, test.excluded_output, stdout, "its standard output"),
    ]
    if ran.returncode != test.exit_code:
        problems.append(f"it exited with {ran.returncode}, not {test.exit_code}")
    return Found(problems, last(ran.stdout + ran.stderr))


def _tear_down(test: CommandTest, engine: Engine, local: str | None, env: Mapping[str, str], tell: Tell) -> None:
    """Its file system is thrown away, so it is for what lies outside; its failure does not make the test fail."""
    for words in test.teardown:
        if local is None:
            return
        try:
            done = engine.run(local, words, env=env, timeout=RUN_SECONDS, keep=True)
        except WorldError as error:
            tell(f"{test.name}: a teardown command cannot run: {error.what}")
            return
        if done.returncode:
            tell(f"{test.name}: a teardown command exited with {done.returncode}")
        local = done.local
