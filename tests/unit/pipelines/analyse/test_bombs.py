"""Small files that stand for huge work: each is read to an end, and what was not looked at is said."""

import pytest

from pipelinegen.errors import InputError
from tests.support.pipelines import facts

HEAD = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: |\n          "
CALL = "on: {workflow_call: {}}\njobs:\n" + "".join(
    f"  j{n}: {{uses: ./.github/workflows/again.yml}}\n" for n in range(12)
)
STEPS = "".join("    - {uses: ./act}\n" for _ in range(12))

BOMBS: dict[str, tuple[str, str, dict[str, str]]] = {
    "expressions without an end": ("github", HEAD + "${{ " * 15_000, {}),
    "variables without an end": ("github", HEAD + "${a " * 15_000, {}),
    "substitutions in substitutions": ("github", HEAD + "$(" * 5_000, {}),
    "quotes": ("github", HEAD + "'\"" * 15_000, {}),
    "functions that call themselves": ("github", HEAD + "f() { " + "f; " * 20 + "}\n          f", {}),
    "here-documents": ("github", HEAD + "cat <<A <<B <<C\n          " * 2_000, {}),
    "a workflow that calls itself": ("github", CALL, {".github/workflows/again.yml": CALL}),
    "an action that calls itself": (
        "github",
        "on: push\njobs:\n  a:\n    steps:\n" + STEPS,
        {"act/action.yml": "runs:\n  using: composite\n  steps:\n" + STEPS},
    ),
    "scripts that call each other": ("github", HEAD + "./a.sh", {"a.sh": "./b.sh\n" * 30, "b.sh": "./a.sh\n" * 30}),
    "references to themselves": (
        "gitlab",
        "a:\n  script:\n" + "    - !reference [a, script]\n" * 12,
        {},
    ),
    "includes of themselves": ("gitlab", "include: [b.yml]\na: {script: [x]}", {"b.yml": "include: [b.yml, b.yml]"}),
    "extends of each other": ("gitlab", "a: {extends: b, script: [x]}\nb: {extends: a, script: [x]}", {}),
    "braces": ("jenkins", "node {\n" + "a {\n" * 150 + "}\n" * 150 + "}", {}),
    "conditions in conditions": ("jenkins", "node { sh 'true'\n" + "if (a) " * 2_000 + "b()\n}", {}),
    "brackets": ("jenkins", "node { x = " + "[" * 2_000 + "]" * 2_000 + "\n sh 'true' }", {}),
    "methods that call each other": (
        "jenkins",
        "def a() { b(); b() }\ndef b() { a(); a() }\nnode { a(); sh 'true' }",
        {},
    ),
}


@pytest.mark.parametrize(("system", "text", "files"), BOMBS.values(), ids=BOMBS)
def test_every_reading_ends(system: str, text: str, files: dict[str, str]) -> None:
    try:
        result = len(facts(system, text, **files).unknown)
    except InputError as error:
        result = 0 if error.id == "bad-pipeline" else -1
    assert 0 <= result < 5_000


@pytest.mark.parametrize(
    "name",
    [
        "functions that call themselves",
        "a workflow that calls itself",
        "an action that calls itself",
        "scripts that call each other",
        "references to themselves",
    ],
)
def test_what_is_cut_off_is_said(name: str) -> None:
    system, text, files = BOMBS[name]
    assert facts(system, text, **files).unknown
