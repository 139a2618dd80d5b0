"""The rules for single values: what is accepted, what is refused, and that the refusal names the rule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.config import rules

RULES = {
    "name": (rules.name_problem, ["api", "a", "web-ui", "A.b_c", "9", "x" * 63]),
    "environment": (rules.environment_problem, ["staging", "Production", "eu-1.blue", "x" * 40]),
    "project": (rules.project_problem, ["shop", "a", "my-shop-2", "x" * 63]),
    "variable": (rules.variable_problem, ["A", "_x", "GO_VERSION", "a1"]),
    "platform": (rules.platform_problem, ["linux/amd64", "linux/arm/v7", "windows/amd64", "linux/s390x", "wasi/wasm"]),
    "repository of images": (
        rules.image_repository_problem,
        ["redis", "acme/api", "ghcr.io/acme/api", "localhost:5000/a", "[::1]:5000/a", "index.docker.io/a"],
    ),
    "path": (rules.path_problem, [".", "a", "a/b c", "./a", "...", "a/..b", ".github/x", "é", "git", ".gitignore"]),
    "pattern": (
        rules.pattern_problem,
        ["**", "*.yaml", "apps/*/x/**", "!legacy/**", "./x.yaml", "\\#x", "\\!x", "a[0-9]/", "CON.yaml", ":(glob)**"],
    ),
    "duration": (rules.duration_problem, ["30s", "5m", "1h30m", "500ms", "0s", "168h"]),
    "cron": (rules.cron_problem, ["0 5 * * 1", "*/5 1-3,7 * JAN MON-FRI", "@daily"]),
    "regular expression": (rules.regex_problem, ["", "ok", "^a.*b$", "(?i)x", "listening on", "(?U)a+", "[[:alpha:]]"]),
    "flavor": (
        rules.flavor_problem,
        ["latest=auto", "latest=true", "latest=false", "prefix=x-", "prefix=", "suffix=-y,onlatest=true"],
    ),
    "header": (rules.header_problem, ["Content-Type", "x-a.b", "ETag"]),
    "tag rule": (
        rules.tag_rule_problem,
        [
            *(
                "type=sha",
                "type=sha,format=long,prefix=",
                "type=semver,pattern={{version}}",
                "latest",
                "type=raw,latest",
            ),
            *("type=ref,event=pr", "type=raw,value={{branch}}-x,enable={{is_default_branch}}", "type=schedule"),
            *('type=match,"pattern=v(\\d{1,2})",group=1', "type=raw,value=a,priority=10,suffix=-x", "value=a"),
        ],
    ),
    "cache": (
        rules.cache_problem,
        ["type=gha", "type=registry,ref=a/b:cache,mode=max", "a/b:cache", "type=local,src=x"],
    ),
    "attestation": (rules.attest_problem, ["type=sbom", "type=provenance,mode=max", '"type=sbom"', "TYPE=sbom"]),
    "build secret": (rules.build_secret_problem, ["id=a", "id=a,env=B", "id=a,src=./f", "type=env,id=a"]),
    "ssh": (rules.ssh_problem, ["default", "key=/run/agent.sock", "a=~/.ssh/id"]),
    "one line": (rules.text_problem, ["", "Deploy shop", "ünïcödé 😀"]),
}
ACCEPTED = [(rule, text) for rule, (_, texts) in RULES.items() for text in texts]

REFUSED = {
    "name": ["", "-a", "a-", ".a", "a b", "a=b", "a/b", "é", "a\n", "x" * 64, "--help"],
    "environment": ["", "a..b", "a.lock", "a/b", "a b", "-x", "a~", "a^", "x" * 41, "a\n", "..", "a:b", "é"],
    "project": ["", "Shop", "a_b", "-a", "a-", "a.b", "x" * 64, "a\n"],
    "variable": ["", "1a", "A-B", "a b", "A=b", "é", "A\n"],
    "platform": ["", "linux", "linux/", "Linux/AMD64", "linux/amd64/v2/x", "linux/amd64,linux/arm64", "linux/amd64\n"],
    "repository of images": [
        *("", "A", "acme/API", "ghcr.io/acme/api:1.0", "a@sha256:" + "0" * 64, "docker://a/b", "https://ghcr.io/a/b"),
        *("user:pw@h/a", "-a", "a b", "../a", "f" * 64, "a\n"),
    ],
    "path": [
        *("", "/etc/passwd", "../x", "a/../b", "a/..", "~/x", "C:\\x", "c:/x", ".git/config", ".GIT/x", "a/.git"),
        *(".git\u200c/config", "GIT~1/x", "a\nb", "a\0", " a", "a ", "x" * 4097),
    ],
    "pattern": [
        "",
        "!",
        ".",
        "./",
        "/",
        "/apps/**",
        "!/x",
        "../x",
        "!../x",
        "# x",
        ".GIT/config",
        "a\nb",
        "**/../x",
    ],
    "duration": ["", "30", "s", "1.5s", "-1s", "30 s", "1d", "30s\n", "169h", "9999999999s", "s30"],
    "flavor": [
        *("", "latest", "latest=maybe", "prefix=a,suffix=b", "onlatest=true", "latest=auto,onlatest=true"),
        *("prefix=a,onlatest=1", "prefx=a", "prefix=a\n"),
    ],
    "header": ["", "Content Type", "a:b", "é", "a\n"],
    "cron": ["", "* * * *", "* * * * * *", "0 5 * * 1\n", "0  5 * * 1", "@never", "0 5 * * ;"],
    "regular expression": ["(?=x)", "(a)\\1", "\\pL", "(", "[", "*a", "a{2,1}", "(?P<n>x)(?P<n>y)"],
    "tag rule": [
        *("", " ", "type=semver", "type=ref", "type=ref,event=push", "type=foo", "type=sha,pattern=x", "type=raw"),
        *(
            "type=match",
            "type=sha,format=tiny",
            "type=sha,priority=high",
            "-x",
            "a b",
            "a\nb",
            "type=match,pattern=x,group=a",
        ),
    ],
    "cache": ["", "ref=a/b:cache", "A/B", "a b", "mode=max", "type="],
    "attestation": ["", "sbom", "mode=max", "type="],
    "build secret": ["", "npm", "env=A", "id=", "id=a,value=x", "id=a,token", "id=a\n"],
    "ssh": ["", "=x", "a b", "default=", "a=\n"],
    "one line": ["a\nb", "\0", "\x1b[31m", "\u202eabc", "\u2028"],
}
NOT_ACCEPTED = [(rule, text) for rule, texts in REFUSED.items() for text in texts]


def label(value: str) -> str:
    return ascii(value)[:40]


@pytest.mark.parametrize(("rule", "text"), ACCEPTED, ids=label)
def test_accepted(rule: str, text: str) -> None:
    assert RULES[rule][0](text) is None


@pytest.mark.parametrize(("rule", "text"), NOT_ACCEPTED, ids=label)
def test_refused_with_one_line(rule: str, text: str) -> None:
    problem = RULES[rule][0](text)
    assert problem is not None
    assert problem.isprintable()
    assert len(problem) < 250


@given(text=st.text(max_size=40), rule=st.sampled_from(sorted(RULES)))
def test_any_text_has_an_answer(text: str, rule: str) -> None:
    problem = RULES[rule][0](text)
    assert problem is None or problem.isprintable()


@pytest.mark.parametrize(
    ("rule", "text", "words"),
    [
        ("repository of images", "ghcr.io/acme/api:1.0", "leave a tag out"),
        ("repository of images", "a@sha256:" + "0" * 64, "leave a digest out"),
        ("tag rule", "type=semverr,pattern=x", 'did you mean "semver"?'),
        ("tag rule", "type=semver,patern=x", 'did you mean "pattern"?'),
        ("tag rule", "type=ref,event=branches", 'did you mean "branch"?'),
        ("tag rule", "type=semver", "needs pattern=…"),
        ("build secret", "id=a,source=x", 'has no "source"'),
        ("pattern", "/apps/**", "leave the first slash out"),
        ("pattern", ".", "write **"),
        ("duration", "169h", "at most 7 days"),
    ],
)
def test_the_refusal_says_what_to_write(rule: str, text: str, words: str) -> None:
    assert words in str(RULES[rule][0](text))


@pytest.mark.parametrize(
    ("text", "known", "said"),
    [
        ("tag", ("tags", "target"), ', did you mean "tags"?'),
        ("repo", ("repository", "cache"), ', did you mean "repository"?'),
        ("buildArgs", ("build-args",), ', did you mean "build-args"?'),
        ("auto_merge", ("auto-merge",), ', did you mean "auto-merge"?'),
        ("enviroments", ("environments",), ', did you mean "environments"?'),
        ("token", ("from", "to"), ": use from or to"),
        ("zzz", ("a", "b"), ": use a or b"),
        ("zzz", tuple("abcdefghi"), ""),
        ("zzz", (), ""),
    ],
)
def test_suggestion(text: str, known: tuple[str, ...], said: str) -> None:
    assert rules.suggestion(text, known) == said


@given(milliseconds=st.integers(0, 7 * 24 * 3_600_000))
def test_a_duration_is_written_as_it_is_read(milliseconds: int) -> None:
    value = timedelta(milliseconds=milliseconds)
    text = rules.written_duration(value)
    assert rules.duration_problem(text) is None
    assert rules.duration(text) == value
