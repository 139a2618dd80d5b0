"""The grammar of references, Docker's defaults, and what is said of a text that is no reference."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.images.reference import (
    ImageReference,
    InvalidReference,
    is_digest,
    is_tag,
    normalise,
    parse,
    parse_as_written,
    split,
)

HEX = "3b1f0c5e7d9a24680b1f0c5e7d9a24683b1f0c5e7d9a24680b1f0c5e7d9a2468"
SHA256 = f"sha256:{HEX}"
SHA384 = f"sha384:{HEX}{HEX[:32]}"
SHA512 = f"sha512:{HEX}{HEX}"

# text, as written: (registry, path), with defaults: (registry, path), tag, digest, familiar
VALID = [
    ("redis", ("", "redis"), ("docker.io", "library/redis"), None, None, "redis"),
    ("redis:7", ("", "redis"), ("docker.io", "library/redis"), "7", None, "redis"),
    ("library/redis:7", ("library", "redis"), ("docker.io", "library/redis"), "7", None, "redis"),
    ("docker.io/redis:7", ("docker.io", "redis"), ("docker.io", "library/redis"), "7", None, "redis"),
    ("index.docker.io/redis", ("index.docker.io", "redis"), ("docker.io", "library/redis"), None, None, "redis"),
    ("index.docker.io/acme/api", ("index.docker.io", "acme/api"), ("docker.io", "acme/api"), None, None, "acme/api"),
    ("acme/api:v1", ("acme", "api"), ("docker.io", "acme/api"), "v1", None, "acme/api"),
    ("acme/team/api", ("acme", "team/api"), ("docker.io", "acme/team/api"), None, None, "acme/team/api"),
    # `library/` is dropped only from a name of one word
    ("library/a/b", ("library", "a/b"), ("docker.io", "library/a/b"), None, None, "library/a/b"),
    ("ghcr.io/acme/api:1", ("ghcr.io", "acme/api"), ("ghcr.io", "acme/api"), "1", None, "ghcr.io/acme/api"),
    ("ghcr.io/library/a", ("ghcr.io", "library/a"), ("ghcr.io", "library/a"), None, None, "ghcr.io/library/a"),
    # a port needs a slash behind it; without one it is a tag
    ("host:5000", ("", "host"), ("docker.io", "library/host"), "5000", None, "host"),
    ("host:5000/a", ("host:5000", "a"), ("host:5000", "a"), None, None, "host:5000/a"),
    ("host:5000/a:6000", ("host:5000", "a"), ("host:5000", "a"), "6000", None, "host:5000/a"),
    ("ghcr.io", ("", "ghcr.io"), ("docker.io", "library/ghcr.io"), None, None, "ghcr.io"),
    ("10.0.0.1:80", ("", "10.0.0.1"), ("docker.io", "library/10.0.0.1"), "80", None, "10.0.0.1"),
    ("10.0.0.1/a", ("10.0.0.1", "a"), ("10.0.0.1", "a"), None, None, "10.0.0.1/a"),
    ("[::1]:5000/a:1", ("[::1]:5000", "a"), ("[::1]:5000", "a"), "1", None, "[::1]:5000/a"),
    ("[fd00:1::2]/a/b", ("[fd00:1::2]", "a/b"), ("[fd00:1::2]", "a/b"), None, None, "[fd00:1::2]/a/b"),
    # a host without a dot: localhost, or one with an upper-case letter, since a namespace has none
    ("localhost/a", ("localhost", "a"), ("localhost", "a"), None, None, "localhost/a"),
    ("LOCALHOST/a", ("LOCALHOST", "a"), ("LOCALHOST", "a"), None, None, "LOCALHOST/a"),
    ("Acme/api", ("Acme", "api"), ("Acme", "api"), None, None, "Acme/api"),
    ("xn--bcher-kva.example/a", ("xn--bcher-kva.example", "a"), ("xn--bcher-kva.example", "a"), None, None, None),
    # separators inside a component: one of . _ , a double __ , any number of -
    ("acme/a.b_c__d---e", ("acme", "a.b_c__d---e"), ("docker.io", "acme/a.b_c__d---e"), None, None, None),
    ("a_b/c", ("", "a_b/c"), ("docker.io", "a_b/c"), None, None, "a_b/c"),
    # upstream takes "a.b_c" for a host that it then cannot read, and leaves the name without one
    ("a.b_c/d", ("", "a.b_c/d"), ("", "a.b_c/d"), None, None, "a.b_c/d"),
    ("redis:TAG", ("", "redis"), ("docker.io", "library/redis"), "TAG", None, "redis"),
    ("redis:_x.-", ("", "redis"), ("docker.io", "library/redis"), "_x.-", None, "redis"),
    ("redis:" + "t" * 128, ("", "redis"), ("docker.io", "library/redis"), "t" * 128, None, "redis"),
    (f"redis@{SHA256}", ("", "redis"), ("docker.io", "library/redis"), None, SHA256, "redis"),
    (f"redis:7@{SHA256}", ("", "redis"), ("docker.io", "library/redis"), "7", SHA256, "redis"),
    (f"redis@{SHA384}", ("", "redis"), ("docker.io", "library/redis"), None, SHA384, "redis"),
    (f"redis@{SHA512}", ("", "redis"), ("docker.io", "library/redis"), None, SHA512, "redis"),
    (f"host:5000@{SHA256}", ("", "host"), ("docker.io", "library/host"), "5000", SHA256, "host"),
    # a digest without a name is, by the grammar, the tag of a repository called sha256
    (SHA256, ("", "sha256"), ("docker.io", "library/sha256"), HEX, None, "sha256"),
    # 64 hexadecimal digits are a name again once a tag or a registry stands beside them
    (f"{HEX}:1", ("", HEX), ("docker.io", f"library/{HEX}"), "1", None, HEX),
    (f"docker.io/{HEX}", ("docker.io", HEX), ("docker.io", f"library/{HEX}"), None, None, None),
    # shortened, this would mean another registry's image
    ("docker.io/ghcr.io/a", ("docker.io", "ghcr.io/a"), ("docker.io", "ghcr.io/a"), None, None, "docker.io/ghcr.io/a"),
    (HEX[:63], ("", HEX[:63]), ("docker.io", f"library/{HEX[:63]}"), None, None, HEX[:63]),
    ("ghcr.io/" + "a" * 255, ("ghcr.io", "a" * 255), ("ghcr.io", "a" * 255), None, None, None),
    ("a" * 247, ("", "a" * 247), ("docker.io", "library/" + "a" * 247), None, None, "a" * 247),
]


@pytest.mark.parametrize(
    ("text", "written", "full", "tag", "digest", "familiar"), VALID, ids=[row[0][:40] for row in VALID]
)
def test_a_reference_is_read(
    text: str,
    written: tuple[str, str],
    full: tuple[str, str],
    tag: str | None,
    digest: str | None,
    familiar: str | None,
) -> None:
    reference = parse(text)
    assert reference == ImageReference(*full, tag, digest)
    assert parse_as_written(text) == ImageReference(*written, tag, digest)
    tail = ("" if tag is None else f":{tag}") + ("" if digest is None else f"@{digest}")
    name = text.removesuffix(tail)
    assert split(text) == (name, tag, digest)
    assert reference.repository == "/".join(filter(None, full))
    assert reference.full == reference.repository + tail
    if familiar is not None:
        assert reference.familiar == familiar
    assert str(reference) == reference.familiar + tail


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("redis", "docker.io/library/redis"),
        ("docker.io/library/redis", "docker.io/library/redis"),
        ("index.docker.io/redis", "docker.io/library/redis"),
        ("acme/api", "docker.io/acme/api"),
        ("localhost:5000/api", "localhost:5000/api"),
        ("LOCALHOST/api", "LOCALHOST/api"),
        ("redis:7", None),
        (f"redis@{SHA256}", None),
        ("Redis", None),
        ("", None),
        (HEX, None),
        ("redis\n", None),
        ("a" * 248, None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_name_is_made_whole(name: str, repository: str | None) -> None:
    assert normalise(name) == repository


# text, words that the reason must hold
INVALID = [
    ("", "empty"),
    (" redis", "white space: did you mean redis?"),
    ("redis:7\n", "white space: did you mean redis:7?"),
    ("redis :7", "no white space"),
    ("redis\u00a0", "white space: did you mean redis?"),
    ("redis\u200b", "U+200B"),
    ("réd/is", "U+00E9"),
    ("redis:\uff17", "U+FF17"),
    ("redis:\x07", "U+0007"),
    ("redis:${TAG}", "a variable or a template"),
    ("{{image}}:1", "a variable or a template"),
    ("docker://redis:7", "no scheme, leave out docker://: did you mean redis:7?"),
    ("https://ghcr.io/acme/api:1", "leave out https://: did you mean ghcr.io/acme/api:1?"),
    ("https://ghcr.io/acme/API:1", "no scheme, leave out https://"),
    ("me:secret@ghcr.io/acme/api:1", "no user and no password"),
    (HEX, "the ID of an image"),
    (f"redis@{SHA256[:-1]}", "64 hexadecimal digits, this one has 63"),
    (f"redis@{SHA256}0", "64 hexadecimal digits, this one has 65"),
    (f"redis@{SHA512[:-1]}", "128 hexadecimal digits, this one has 127"),
    (f"redis@{SHA256.upper()}", f"lower case: did you mean redis@{SHA256}?"),
    (f"redis@{HEX}", f"its algorithm: did you mean redis@{SHA256}?"),
    (f"redis@{SHA256}:7", f"before the digest: did you mean redis:7@{SHA256}?"),
    (f"redis@sha256:{'g' * 64}", "other characters than 0-9 and a-f"),
    (f"redis@md5:{HEX}", "after @ stands a digest"),
    ("redis@", "after @ stands a digest"),
    (f"@{SHA256}", "the repository before the tag or the digest is missing"),
    (":7", "the repository before the tag or the digest is missing"),
    ("redis:", "the tag after the colon is empty"),
    ("ghcr.io/acme/api:" + "t" * 129, "at most 128 characters, this one has 129"),
    ("redis:-7", "begins with a letter, a digit or _, not with -"),
    ("redis:.7", "begins with a letter, a digit or _, not with ."),
    ("redis:1.0+build", "only letters, digits, _, . and -, not +"),
    ("redis:1:2", "only letters, digits, _, . and -, not :"),
    ("acme/api:feature/login", "a tag holds no /"),
    ("ghcr.io/acme/API:1", "lower case: did you mean ghcr.io/acme/api:1?"),
    ("Redis:7", "lower case: did you mean redis:7?"),
    ("GHCR.io/Acme/api", "lower case: did you mean GHCR.io/acme/api?"),
    (f"redis/Api@{SHA256}", f"lower case: did you mean redis/api@{SHA256}?"),
    ("ghcr.io/", "the repository after ghcr.io/ is missing"),
    ("localhost:5000/", "the repository after localhost:5000/ is missing"),
    ("[::1]:5000", "a registry alone"),
    ("[::1]", "a registry alone"),
    ("[fe80::1%eth0]/a", "is not a registry"),
    ("host:http/a", "host:http is not a registry"),
    ("my_host.com:5000/a", "my_host.com:5000 is not a registry"),
    ("-host.com/a", "-host.com is not a registry"),
    ("::1/a", "::1 is not a registry"),
    ("/api", "a / too many: did you mean api?"),
    ("acme//api:1", "a / too many: did you mean acme/api:1?"),
    ("acme/", "a / too many: did you mean acme?"),
    ("--help", '"--help" is not a part of a repository'),
    ("api-", '"api-" is not a part of a repository'),
    ("a___b", '"a___b" is not a part of a repository'),
    ("a._b", '"a._b" is not a part of a repository'),
    ("a..b", '"a..b" is not a part of a repository'),
    ("acme/~api", '"~api" is not a part of a repository'),
    ("ghcr.io/" + "a" * 256, "at most 255 characters, this one has 256"),
    ("a" * 248, "at most 255 characters, this one has 256"),
]


@pytest.mark.parametrize(("text", "reason"), INVALID, ids=[repr(row[0][:40]) for row in INVALID])
def test_what_is_no_reference_is_refused_with_the_rule(text: str, reason: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse(text)
    assert reason in caught.value.reason
    assert str(caught.value) == caught.value.reason
    assert normalise(text) is None


@pytest.mark.parametrize("text", [row[0] for row in INVALID if "did you mean" in row[1]], ids=repr)
def test_what_is_offered_instead_is_right(text: str) -> None:
    with pytest.raises(InvalidReference, match=r"did you mean (.+)\?") as caught:
        parse(text)
    offered = re.search(r"did you mean (.+)\?", caught.value.reason)
    assert offered is not None
    assert parse(offered[1])


@pytest.mark.parametrize(
    "text",
    [
        "me:hunter2@ghcr.io/acme/api:1",
        "https://me:hunter2@ghcr.io/acme/api:1",
        "me:hun/hunter2@ghcr.io/acme/api:1",
        "hunter2@ghcr.io",
        "me:hunter2@ghcr.io/acme/API",
        "ghcr.io/me:hunter2@acme/api",
        "hunter2@x://ghcr.io/acme/api",
    ],
)
def test_a_password_is_not_repeated(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse(text)
    assert "hunter2" not in caught.value.reason


# Only the rules of one of the two grammars
@pytest.mark.parametrize("text", [HEX, "a" * 248], ids=["identifier", "too long with library/"])
def test_defaults_refuse_what_the_grammar_takes(text: str) -> None:
    assert parse_as_written(text) == ImageReference("", text)
    assert split(text) == (text, None, None)
    with pytest.raises(InvalidReference):
        parse(text)


@pytest.mark.parametrize("text", ["Redis", "redis:7\n", "ghcr.io/" + "a" * 256, f"redis@{SHA256}0"], ids=repr)
def test_the_grammar_refuses(text: str) -> None:
    assert split(text) is None
    with pytest.raises(InvalidReference):
        parse_as_written(text)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        *((text, True) for text in ("1", "_", "v1.2.3", "A-b.c_d", "x" * 128, "1_", "e1")),
        *((text, False) for text in ("", ".1", "-1", "x" * 129, "1\n", "a b", "a:b", "a/b", "é", "\u0661", "1+2")),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_is_tag(text: str, tag: bool) -> None:
    assert is_tag(text) is tag


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        *((text, True) for text in (SHA256, SHA384, SHA512)),
        *((text, False) for text in ("", "sha256", "sha256:", HEX, SHA256[:-1], SHA256 + "0", SHA256 + "\n")),
        *((text, False) for text in (SHA256.upper(), f"sha1:{HEX[:40]}", f"sha256+b64:{HEX}", f"sha256:{HEX[:-1]}g")),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_is_digest(text: str, digest: bool) -> None:
    assert is_digest(text) is digest


COMPONENTS = st.from_regex(r"[a-z0-9]{1,6}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,6}){0,2}", fullmatch=True)
HOSTS = st.one_of(
    st.just(""),
    st.sampled_from(["localhost", "docker.io", "index.docker.io", "Host", "[::1]"]),
    st.from_regex(r"[a-z0-9]{1,5}(?:-[a-z0-9]{1,5})?\.[a-zA-Z]{2,4}(?::[0-9]{1,5})?", fullmatch=True),
)
TAGS = st.none() | st.from_regex(re.compile(r"\w[\w.-]{0,20}", re.ASCII), fullmatch=True)
DIGESTS = st.none() | st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
NEARLY = st.text(alphabet="aZ0/:@._-[]% \n\té", max_size=12)


@given(HOSTS, st.lists(COMPONENTS, min_size=1, max_size=3), TAGS, DIGESTS)
def test_every_form_of_a_reference_means_the_same(
    host: str, components: list[str], tag: str | None, digest: str | None
) -> None:
    name = "/".join([host, *components] if host else components)
    text = name + ("" if tag is None else f":{tag}") + ("" if digest is None else f"@{digest}")
    reference = parse(text)
    assert (reference.tag, reference.digest) == (tag, digest)
    assert split(text) == (name, tag, digest)
    # A host with an upper-case letter and no dot, or a.b_c, has no shorter or longer form that means it.
    if reference.registry:
        assert parse(reference.full) == reference
        assert normalise(reference.repository) == reference.repository == normalise(name)
    # 64 hexadecimal digits alone are no name, as the ID of an image; Docker shortens to them nevertheless.
    if not re.fullmatch("[0-9a-f]{64}", str(reference)):
        assert parse(str(reference)) == reference


def read(text: str) -> ImageReference | str:
    try:
        return parse(text)
    except InvalidReference as error:
        return error.reason


@given(NEARLY | st.text(max_size=20))
def test_any_text_is_read_or_refused_with_one_line(text: str) -> None:
    outcome = read(text)
    if isinstance(outcome, str):
        assert outcome.isprintable()
        assert outcome
    else:
        assert split(text) is not None
        assert text.isascii()
        assert outcome.tag is None or is_tag(outcome.tag)


@pytest.mark.parametrize("part", ["a-", "a.", "a/", "a__", "a", "a:", "[", "A.", "a@"])
def test_a_long_text_costs_linear_time(part: str) -> None:
    # An ambiguous pattern would not come back from this within the life of the machine.
    assert split(part * 20_000 + "!") is None
