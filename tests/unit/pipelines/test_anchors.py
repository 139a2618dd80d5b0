"""Equal steps are written once, and the document stays the same."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.pipelines.rendering.anchors import anchored


class Loader(yaml.SafeLoader):
    """With GitLab's `!reference`."""


def _reference(loader: Loader, node: yaml.SequenceNode) -> tuple[Any, ...]:
    return tuple(loader.construct_sequence(node))


Loader.add_constructor("!reference", _reference)

STEP = """\
      - name: Install it
        env:
          A: b
        run: |
          one

          two
"""
TWICE = f"jobs:\n  a:\n    steps:\n{STEP}\n  b:\n    steps:\n{STEP}"


def test_the_second_of_two_equal_steps_is_an_alias() -> None:
    assert anchored(TWICE) == TWICE.replace("      - name:", "      - &install-it\n        name:", 1).replace(
        f"  b:\n    steps:\n{STEP}", "  b:\n    steps:\n      - *install-it\n"
    )


def test_equal_scripts_of_other_steps_are_shared() -> None:
    other = TWICE.replace("A: b", "A: c", 1)
    text = anchored(other)
    assert text.count("run: &install-it-script |\n") == 1
    assert text.count("run: *install-it-script\n") == 1


def test_scripts_in_lists_are_shared() -> None:
    script = "    - |\n      # Do this\n      one\n      two\n"
    text = f"a:\n  script:\n{script}b:\n  script:\n    # not this\n{script}"
    assert anchored(text).count("    - &do-this |\n") == 1
    assert anchored(text).count("    - *do-this\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        TWICE.replace("two", "2", 1),
        "steps:\n  - name: a\n  - name: a\n",
        "a:\n  run: |\n    - name: x\n      y: z\n      w: v\n    - name: x\n      y: z\n      w: v\n",
        "a: b\n",
    ],
    ids=["different", "short", "text that looks like steps", "nothing"],
)
def test_what_is_not_equal_or_no_step_stays(text: str) -> None:
    assert anchored(text) == text


def test_two_names_alike_get_two_anchors() -> None:
    text = TWICE + TWICE.replace("jobs", "more").replace("A: b", "A: c").replace("one", "three")
    assert "&install-it\n" in anchored(text)
    assert "&install-it-2\n" in anchored(text)


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["Do it", "Do: that", "é"]),
        st.sampled_from(["x", "y"]),
        st.sampled_from(["a", "b\n\nc", "- d\n e"]),
    ),
    max_size=6,
)


@given(_STEPS, _STEPS)
def test_the_document_is_the_same(first: list[tuple[str, str, str]], second: list[tuple[str, str, str]]) -> None:
    lines = ["jobs:"]
    for job, steps in (("one", first), ("two", second)):
        lines += [f"  {job}:", "    steps:"]
        for name, value, script in steps:
            lines += [
                f'      - name: "{name}"',
                "        # a comment",
                f"        env: {{A: {value}}}",
                "        run: |",
            ]
            lines += [f"          {line}".rstrip() for line in script.split("\n")]
        lines.append("")
    text = "\n".join(lines) + "\n"
    assert yaml.safe_load(anchored(text)) == yaml.safe_load(text)
    assert len(anchored(text)) <= len(text) + 200
