"""Dockerfiles read as BuildKit reads them, each part at its place, all that is wrong told at once."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.images.dockerfile import Dockerfile, Instruction, Malformed, Place, parse
from pipelinegen.images.dockerfile.checks import FLAGS


def one(text: str) -> Instruction:
    """The one instruction behind FROM."""
    dockerfile = parse(f"FROM scratch\n{text}")
    assert len(dockerfile.stages) == 1
    (instruction,) = dockerfile.stages[0].instructions
    return instruction


def words(text: str) -> list[str]:
    return [word.text for word in one(text).words]


def pairs(text: str) -> list[tuple[str, str | None]]:
    return [(pair.name, pair.value) for pair in one(text).pairs]


def problems(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(Malformed) as caught:
        parse(text)
    return [(each.place.line, each.place.column, each.what) for each in caught.value.problems]


# Lines.

LINES = {
    "one": ("EXPOSE 1 2", ["1", "2"]),
    "lower case": ("expose 1", ["1"]),
    "blanks around": ("  \tEXPOSE \t 1   2  ", ["1", "2"]),
    "continued": ("EXPOSE 1 \\\n 2 \\\n3", ["1", "2", "3"]),
    "continued within a word": ("EXPOSE 1\\\n2", ["12"]),
    "blanks behind the escape": ("EXPOSE 1 \\ \t\n2", ["1", "2"]),
    "an escaped escape continues nothing": ("USER 1\\\\", ["1\\\\"]),
    "a comment between": ("EXPOSE 1 \\\n# 9\n  # 8 \\\n 2", ["1", "2"]),
    "an empty line between": ("EXPOSE 1 \\\n\n  \n 2", ["1", "2"]),
    "continued at the end": ("EXPOSE 1 \\", ["1"]),
    "CRLF": ("EXPOSE 1 \\\r\n 2\r\n", ["1", "2"]),
    "a sign that is no comment": ("USER a # b", ["a # b"]),
    "an escape alone": ("\\\nEXPOSE 1", ["1"]),
}


@pytest.mark.parametrize(("text", "expected"), LINES.values(), ids=LINES)
def test_lines(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_comments_and_empty_lines_are_no_instructions() -> None:
    dockerfile = parse("\ufeff# hello\n\n  # there\nFROM scratch\n#USER 1\n\n")
    assert dockerfile.stages[0].instructions == ()


DIRECTIVES = {
    "none": ("FROM a\\\nb AS c\n", "\\", None),
    "escape": ("# escape=`\nFROM a`\nb AS c\n", "`", None),
    "both, any case": ("#ESCAPE = `\n#  Syntax= docker/dockerfile:1 \nFROM a\n", "`", "docker/dockerfile:1"),
    "check": ("# check=skip=all\n# syntax=x/y\nFROM a\n", "\\", "x/y"),
    "behind a comment": ("# hello\n# escape=`\nFROM a\n", "\\", None),
    "behind an empty line": ("\n# escape=`\nFROM a\n", "\\", None),
    "an unknown one ends them": ("# other=1\n# escape=`\nFROM a\n", "\\", None),
    "behind an instruction": ("FROM a\n# escape=`\n", "\\", None),
}


@pytest.mark.parametrize(("text", "escape", "syntax"), DIRECTIVES.values(), ids=DIRECTIVES)
def test_directives(text: str, escape: str, syntax: str | None) -> None:
    dockerfile = parse(text)
    assert (dockerfile.escape, dockerfile.syntax) == (escape, syntax)


# Arguments.

WORDS = {
    "USER a b": ["a b"],
    'COPY ["a b", "c"]': ["a b", "c"],
    'COPY  [ "a" , "c\\"d" ]': ["a", 'c"d'],
    "COPY [a b": ["[a", "b"],
    "COPY ['a'] b": ["['a']", "b"],
    'COPY "a b" c': ['"a', 'b"', "c"],
    "COPY a\\ b c": ["a\\", "b", "c"],
    "CMD a  b": ["a  b"],
    'CMD ["a", "b c"]': ["a", "b c"],
    "CMD [a]": ["[a]"],
    'CMD ["a", "b"] x': ['["a", "b"] x'],
    "CMD []": [],
    "CMD": [],
    "ENTRYPOINT exec $X": ["exec $X"],
    'SHELL ["/bin/sh", "-c"]': ["/bin/sh", "-c"],
    "EXPOSE 80\t443/tcp": ["80", "443/tcp"],
    'VOLUME ["/a", "/b c"]': ["/a", "/b c"],
    "VOLUME /a /b": ["/a", "/b"],
    "HEALTHCHECK NONE": ["NONE"],
    "HEALTHCHECK CMD  curl  x": ["CMD", "curl  x"],
    'HEALTHCHECK cmd ["a", "b"]': ["cmd", "a", "b"],
    "WORKDIR /a b": ["/a b"],
    "STOPSIGNAL SIGTERM": ["SIGTERM"],
    "MAINTAINER A <a@b>": ["A <a@b>"],
    "ONBUILD RUN x": ["RUN", "x"],
    "RUN a && b": ["a && b"],
}


@pytest.mark.parametrize(("text", "expected"), WORDS.items(), ids=WORDS)
def test_words_of_instructions(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "is_json"), [('CMD ["a"]', True), ("CMD a", False), ("CMD [a]", False), ('HEALTHCHECK CMD ["a"]', True)]
)
def test_the_two_forms_of_commands(text: str, is_json: bool) -> None:
    assert one(text).is_json is is_json


PAIRS: dict[str, list[tuple[str, str | None]]] = {
    "ENV a=b": [("a", "b")],
    "ENV a=b c=d": [("a", "b"), ("c", "d")],
    "ENV a=\"b c\" d='e f'": [("a", '"b c"'), ("d", "'e f'")],
    "ENV a=b\\ c d=e": [("a", "b\\ c"), ("d", "e")],
    "ENV a=": [("a", "")],
    "ENV a b  c": [("a", "b  c")],
    "ENV a b=c": [("a", "b=c")],
    "ENV a=b=c": [("a", "b=c")],
    'ENV a="b \\\n c"': [("a", '"b  c"')],
    'LABEL "a b"=c': [('"a b"', "c")],
    "LABEL a.b-c=d": [("a.b-c", "d")],
    "ARG a": [("a", None)],
    "ARG a=": [("a", "")],
    'ARG a=b c d="e f"': [("a", "b"), ("c", None), ("d", '"e f"')],
    'ENV a=b" c"d': [("a", 'b" c"d')],
    "ENV a='b\\' c=d": [("a", "'b\\'"), ("c", "d")],
}


@pytest.mark.parametrize(("text", "expected"), PAIRS.items(), ids=PAIRS)
def test_names_and_values(text: str, expected: list[tuple[str, str | None]]) -> None:
    assert pairs(text) == expected


def test_flags_come_first_and_may_be_quoted() -> None:
    found = one(
        "COPY --from=a --chown=\"b c\":d --link --exclude=x --exclude=y --chmod='7 5' --x /y".replace("--x ", "x ")
    )
    texts = {name: [word.text for word in flags] for name, flags in found.flags.items()}
    assert texts == {"from": ["a"], "chown": ["b c:d"], "link": ["true"], "exclude": ["x", "y"], "chmod": ["7 5"]}
    assert [word.text for word in found.words] == ["x", "/y"]
    assert found.is_on("link")
    assert not found.is_on("parents")


def test_behind_two_dashes_nothing_is_a_flag() -> None:
    assert words("COPY --link -- --from=a /y") == ["--from=a", "/y"]


@pytest.mark.parametrize(("value", "on"), [("", True), ("=true", True), ("=TRUE", True), ("=false", False)])
def test_switches(value: str, on: bool) -> None:
    assert one(f"COPY --link{value} a b").is_on("link") is on


# Here-documents.


def documents(text: str) -> list[tuple[str, str, bool]]:
    return [(each.name, each.content, each.expands) for each in one(text).heredocs]


HEREDOCS = {
    "one": ("COPY <<EOF /a\nx\n y\nEOF\n", [("EOF", "x\n y\n", True)]),
    "with quotes": ("COPY <<'EOF' /a\n$X\nEOF", [("EOF", "$X\n", False)]),
    "with double quotes": ('COPY <<"a b" /a\nx\na b\n', [("a b", "x\n", False)]),
    "a part in quotes": ("COPY <<E'O'F /a\nx\nEOF\n", [("EOF", "x\n", False)]),
    "tabs cut off": ("COPY <<-EOF /a\n\t\tx\n\t y\n\tEOF\n", [("EOF", "x\n y\n", True)]),
    "two": ("COPY <<a <<b /c/\n1\na\n2\nb\n", [("a", "1\n", True), ("b", "2\n", True)]),
    "beside a file": ("COPY x <<b /c/\n2\nb\n", [("b", "2\n", True)]),
    "empty": ("COPY <<EOF /a\nEOF\n", [("EOF", "", True)]),
    "escapes and comments stay": ("COPY <<EOF /a\n# c\\\nEOF \nEOF\n", [("EOF", "# c\\\nEOF \n", True)]),
    "CRLF": ("COPY <<EOF /a\r\nx\r\nEOF\r\n", [("EOF", "x\r\n", True)]),
    "of RUN": ("RUN <<EOF bash\nls\nEOF\n", [("EOF", "ls\n", True)]),
    "of ONBUILD": ("ONBUILD COPY <<EOF /a\nx\nEOF\n", [("EOF", "x\n", True)]),
    "no document": ("COPY a<<b /c", []),
    "in an array it is a name": ('COPY ["<<EOF", "/c"]', []),
    "of another instruction it is text": ("LABEL a=<<EOF", []),
}


@pytest.mark.parametrize(("text", "expected"), HEREDOCS.values(), ids=HEREDOCS)
def test_documents(text: str, expected: list[tuple[str, str, bool]]) -> None:
    assert documents(text) == expected


def test_what_is_behind_a_document_is_read_on() -> None:
    stages = parse("FROM scratch\nCOPY <<EOF /a\nFROM x\nEOF\nUSER 1\n").stages
    assert [each.name for each in stages[0].instructions] == ["COPY", "USER"]


# Stages.


def test_stages_their_names_and_the_arguments_before_them() -> None:
    dockerfile = parse(
        "ARG A=1\nARG B\nFROM --platform=$P a:$A AS Build\nRUN x\nfrom build as two\nFROM scratch\nUSER 1\nUSER 2\n"
    )
    assert [pair.name for each in dockerfile.arguments for pair in each.pairs] == ["A", "B"]
    assert [(each.number, each.name, each.base.text) for each in dockerfile.stages] == [
        (0, "build", "a:$A"),
        (1, "two", "build"),
        (2, None, "scratch"),
    ]
    assert [each.platform and each.platform.text for each in dockerfile.stages] == ["$P", None, None]
    assert [len(each.instructions) for each in dockerfile.stages] == [1, 0, 2]


# Places.


def test_every_part_knows_where_it_stands() -> None:
    text = '# c\nFROM  a AS b\n  COPY --from=x \\\n   one \\\n# no\n\ttwo /three\nENV a=b "c d"=e\nCMD ["x", "y"]\n'
    copy, env, cmd = parse(text).stages[0].instructions
    stage = parse(text).stages[0]
    assert stage.base.place == Place(2, 7, 1)
    assert (copy.place, copy.last_line) == (Place(3, 3, 4), 6)
    flag = copy.flag("from")
    assert flag is not None
    assert flag.place == Place(3, 8, 8)
    assert [word.place for word in copy.words] == [Place(4, 4, 3), Place(6, 2, 3), Place(6, 6, 6)]
    assert [pair.place for pair in env.pairs] == [Place(7, 5, 3), Place(7, 9, 7)]
    assert {word.place for word in cmd.words} == {Place(8, 5, 10)}


def _spelled(text: str, place: Place) -> str:
    return text.split("\n")[place.line - 1][place.column - 1 : place.column - 1 + place.width]


NAMES = st.sampled_from(["a", "bc", "/x/y", "é", "--", "x=y"])


@given(
    st.lists(NAMES, min_size=2, max_size=5),
    st.lists(st.sampled_from([" ", "  ", "\t", " \\\n", " \\\n  "]), min_size=6),
)
def test_a_word_stands_where_its_place_says(names: list[str], blanks: list[str]) -> None:
    names = ["w", *names]
    text = "FROM scratch\nCOPY" + "".join(f"{blank} {name}" for name, blank in zip(names, blanks, strict=False))
    assert [_spelled(text, word.place) for word in parse(text).stages[0].instructions[0].words] == names[: len(blanks)]


# What is wrong.

WRONG = {
    "nothing": ("", [(1, 1, "there are no instructions")]),
    "only comments": ("# a\n\n", [(1, 1, "there are no instructions")]),
    "no FROM": ("ARG a\n", [(1, 1, "there is no FROM, so there is nothing to build")]),
    "before FROM": ("RUN a\nFROM b\n", [(1, 1, "RUN stands before the first FROM")]),
    "unknown": ("FROM a\nCPY b c\n", [(2, 1, "there is no instruction CPY: did you mean COPY?")]),
    "quite unknown": ("FROM a\n  xyzzy b\n", [(2, 3, "there is no instruction xyzzy")]),
    "an unknown flag": ("FROM a\nCOPY --form=b c d\n", [(2, 6, "COPY has no flag --form: did you mean --from?")]),
    "a flag twice": ("FROM a\nCOPY --from=b --from=c d e\n", [(2, 15, "the flag --from stands twice")]),
    "a flag without value": ("FROM a\nCOPY --from b c\n", [(2, 6, "the value of --from is missing: --from=...")]),
    "a switch with a value": ("FROM a\nCOPY --link=1 b c\n", [(2, 6, "--link is true or false")]),
    "a flag where there is none": ("FROM a\nUSER --x=1 b\n", [(2, 6, "USER has no flag --x")]),
    "COPY of one": ("FROM a\nCOPY b\n", [(2, 6, "COPY SOURCE... TARGET: one of the two is missing")]),
    "COPY of nothing": ("FROM a\nCOPY\n", [(2, 1, "COPY SOURCE... TARGET: one of the two is missing")]),
    "a document as target": ("FROM a\nCOPY b <<E\nx\nE\n", [(2, 8, "a here-document is a source, not a target")]),
    "a document that goes on": (
        "FROM a\nCOPY <<E /b\nx\n",
        [(2, 1, "the line E that ends the here-document is missing")],
    ),
    "FROM nothing": ("FROM\n", [(1, 1, "FROM IMAGE, or FROM IMAGE AS NAME")]),
    "FROM too much": ("FROM a b\n", [(1, 6, "FROM IMAGE, or FROM IMAGE AS NAME")]),
    "a stage of a bad name": (
        "FROM a AS 1\n",
        [(1, 11, "the name of a stage is a letter, then letters, digits, _, . or -")],
    ),
    "ENV alone": ("FROM a\nENV b\n", [(2, 5, "ENV NAME=VALUE: the value is missing")]),
    "ENV empty": ("FROM a\nENV\n", [(2, 1, "ENV takes at least one NAME=VALUE")]),
    "ENV with a word": ("FROM a\nENV b=c d\n", [(2, 9, "d is not of the form NAME=VALUE")]),
    "ENV without name": ("FROM a\nENV =c\n", [(2, 5, "the name before the = is missing")]),
    "ARG empty": ("FROM a\nARG\n", [(2, 1, "ARG takes at least one NAME")]),
    "numbers in an array": ("FROM a\nCMD [1]\n", [(2, 5, "a JSON array of arguments holds only strings")]),
    "SHELL as text": ("FROM a\nSHELL sh\n", [(2, 7, 'SHELL takes a JSON array: SHELL ["/bin/sh", "-c"]')]),
    "WORKDIR empty": ("FROM a\nWORKDIR\n", [(2, 1, "WORKDIR takes one argument")]),
    "EXPOSE empty": ("FROM a\nEXPOSE\n", [(2, 1, "EXPOSE takes at least one argument")]),
    "VOLUME empty": ('FROM a\nVOLUME [""]\n', [(2, 8, "the path of a VOLUME is empty")]),
    "HEALTHCHECK of what": ("FROM a\nHEALTHCHECK x\n", [(2, 13, "HEALTHCHECK CMD COMMAND, or HEALTHCHECK NONE")]),
    "HEALTHCHECK of nothing": ("FROM a\nHEALTHCHECK CMD\n", [(2, 13, "the command of HEALTHCHECK CMD is missing")]),
    "HEALTHCHECK NONE of more": ("FROM a\nHEALTHCHECK NONE x\n", [(2, 13, "HEALTHCHECK NONE takes nothing more")]),
    "ONBUILD of FROM": ("FROM a\nONBUILD FROM b\n", [(2, 9, "FROM cannot be put off by ONBUILD")]),
    "a directive twice": ("# escape=`\n# escape=`\nFROM a\n", [(2, 1, "the directive escape stands twice")]),
    "another escape": ("# escape=x\nFROM a\n", [(1, 1, "the escape character is \\ or `")]),
}


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_at_its_place(text: str, expected: list[tuple[int, int, str]]) -> None:
    assert problems(text) == expected


def test_all_that_is_wrong_is_told_at_once_in_order() -> None:
    text = "FROM a\nCPY b\nCOPY <<EOF --bad\nUSR nobody\nEOF\nENV\nFROM\n"
    assert [line for line, _, _ in problems(text)] == [2, 6, 7]


def test_a_wrong_instruction_takes_its_document_with_it() -> None:
    text = "FROM a\nCOPY --bad <<EOF /x\nNONSENSE here\nEOF\nUSER 1\n"
    assert [(line, column) for line, column, _ in problems(text)] == [(2, 6)]


LINES_OF = st.sampled_from(
    [
        "FROM a",
        "FROM a AS b",
        "COPY a b",
        "COPY <<E /c",
        "E",
        "ENV a=b",
        "RUN x \\",
        "# c",
        "",
        "\\",
        "CMD [",
        '"',
        "'",
        "`",
    ]
)


@given(st.lists(LINES_OF, max_size=10), st.text(alphabet="\\\n #<=-\"'[]\t", max_size=12), st.integers(0, 60))
def test_no_text_does_anything_but_a_dockerfile_or_problems_in_order(lines: list[str], noise: str, at: int) -> None:
    text = "\n".join(lines)
    text = text[:at] + noise + text[at:]
    with contextlib.suppress(Malformed):
        assert isinstance(parse(text), Dockerfile)
        return
    with pytest.raises(Malformed) as caught:
        parse(text)
    places = [each.place for each in caught.value.problems]
    assert places == sorted(places)
    assert all(1 <= place.line <= text.count("\n") + 1 and place.column >= 1 for place in places)


def test_the_flags_are_those_of_the_reference() -> None:
    assert set(FLAGS["COPY"]) == {"from", "chown", "chmod", "link", "parents", "exclude"}
    assert set(FLAGS["ADD"]) == {"chown", "chmod", "link", "exclude", "keep-git-dir", "checksum", "unpack"}
