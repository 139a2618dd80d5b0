"""What becomes of files when they are written again: each state on the disk against each way to write."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.pipelines import lock
from pipelinegen.pipelines.lock import BadLock, Locked, blob_id
from pipelinegen.pipelines.model import GeneratedFile
from pipelinegen.pipelines.regeneration import Found, How, Merged, Regeneration, Step, plan
from pipelinegen.pipelines.rendering.header import block

BEFORE = f"head\n{block('#', 'mine')}tail\n"
NOW = f"head 2\n{block('#', 'mine')}tail\n"
FILLED = BEFORE.replace("begin mine\n", "begin mine\nkept\n")
EDITED = BEFORE.replace("tail", "tail, edited")


@dataclass
class Disk:
    files: dict[str, Found] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    merged: Merged | None = None

    def merge(self, path: str, base: str, ours: str, theirs: str) -> Merged | None:
        self.asked.append(base)
        return self.merged

    def plan(self, text: str, locked: str | Locked | None, how: How = "plain", executable: bool = False) -> Step:
        known = locked if isinstance(locked, Locked) else Locked(blob_id(locked.encode())) if locked else None
        done = plan(
            [GeneratedFile("f", text, executable)],
            {"f": known} if known else {},
            read=self.files.get,
            merge=self.merge,
            how=how,
        )
        (step,) = done.steps
        self.lock = done.lock["f"]
        return step


def disk(text: str | bytes, executable: bool = False) -> Disk:
    return Disk({"f": Found(text if isinstance(text, bytes) else text.encode(), executable)})


def test_a_file_that_is_not_there_is_made() -> None:
    step = Disk().plan(NOW, None)
    assert (step.action, step.after) == ("create", NOW.encode())


def test_a_file_that_was_deleted_is_made_again_and_said() -> None:
    step = Disk().plan(NOW, BEFORE)
    assert step.action == "create"
    assert "deleted" in step.why


@pytest.mark.parametrize("how", ["plain", "merge", "force"])
@pytest.mark.parametrize("locked", [NOW, BEFORE, None], ids=["known", "known older", "unknown"])
@pytest.mark.parametrize("there", [NOW, NOW.replace("begin mine\n", "begin mine\nkept\n")], ids=["same", "block"])
def test_what_is_there_already_stays(there: str, locked: str | None, how: How) -> None:
    at = disk(there)
    assert at.plan(NOW, locked, how).action == "unchanged"
    assert at.lock == Locked(blob_id(NOW.encode()))


@pytest.mark.parametrize(
    ("there", "after"),
    [
        (BEFORE, NOW),
        (FILLED, NOW.replace("begin mine\n", "begin mine\nkept\n")),
        (BEFORE.replace("\n", "\r\n"), NOW.replace("\n", "\r\n")),
    ],
    ids=["untouched", "block", "crlf"],
)
@pytest.mark.parametrize("how", ["plain", "merge", "force"])
def test_an_untouched_file_gets_the_new_text_in_its_own_line_breaks(there: str, after: str, how: How) -> None:
    at = disk(there)
    step = at.plan(NOW, BEFORE, how)
    assert (step.action, step.after) == ("update", after.encode())
    assert at.asked == []


@pytest.mark.parametrize(
    ("there", "locked", "why"),
    [
        (EDITED, BEFORE, "edited outside"),
        (EDITED, None, "not written by pipelinegen"),
        (BEFORE, None, "not written by pipelinegen"),
        (BEFORE.replace("# pipelinegen:end\n", ""), BEFORE, "broken"),
        (b"\xff\n", BEFORE, "UTF-8"),
        (BEFORE.replace("\n", "\r\n", 1), BEFORE, "edited outside"),
    ],
    ids=["edited", "someone else's", "lock lost", "broken block", "binary", "mixed line breaks"],
)
def test_an_edit_is_refused_and_dropped_only_by_force(there: str | bytes, locked: str | None, why: str) -> None:
    step = disk(there).plan(NOW, locked)
    assert step.action == "refuse"
    assert why in step.why
    forced = disk(there).plan(NOW, locked, "force")
    assert forced.action == "update"
    assert b"head 2" in (forced.after or b"")


def test_force_keeps_what_is_in_blocks() -> None:
    step = disk(FILLED.replace("tail", "tail, edited")).plan(NOW, BEFORE, "force")
    assert step.after == NOW.replace("begin mine\n", "begin mine\nkept\n").encode()


def test_a_block_without_a_place_is_refused() -> None:
    step = disk(FILLED).plan("other\n", BEFORE)
    assert (step.action, "mine" in step.why) == ("refuse", True)


class TestMerge:
    MERGED = EDITED.replace("head", "head 2")

    def test_edits_and_the_new_text_are_put_together_and_known_as_accepted(self) -> None:
        at = disk(EDITED)
        at.merged = Merged(self.MERGED, 0)
        step = at.plan(NOW, BEFORE, "merge")
        assert (step.action, step.after) == ("merge", self.MERGED.encode())
        assert at.asked == [blob_id(BEFORE.encode())]
        assert at.lock == Locked(blob_id(NOW.encode()), blob_id(self.MERGED.encode()))

    @pytest.mark.parametrize("there", [MERGED, MERGED.replace("mine\n", "mine\nmore\n")], ids=["same", "block"])
    def test_accepted_edits_are_no_difference_until_something_else_is_generated(self, there: str) -> None:
        known = Locked(blob_id(NOW.encode()), blob_id(self.MERGED.encode()))
        at = disk(there)
        assert at.plan(NOW, known).action == "unchanged"
        assert at.lock == known
        assert at.plan(NOW + "more\n", known).action == "refuse"

    def test_an_edit_after_the_merge_is_a_new_edit(self) -> None:
        known = Locked(blob_id(NOW.encode()), blob_id(self.MERGED.encode()))
        assert disk(self.MERGED + "more\n").plan(NOW, known).action == "refuse"

    def test_conflicts_are_told(self) -> None:
        at = disk(EDITED)
        at.merged = Merged("<<<<<<<\n", 2)
        step = at.plan(NOW, BEFORE, "merge")
        assert (step.action, step.why) == ("conflict", "2 conflicts to resolve")
        assert at.lock.accepted is None

    def test_without_the_base_nothing_is_guessed(self) -> None:
        assert disk(EDITED).plan(NOW, BEFORE, "merge").action == "refuse"

    def test_what_pipelinegen_did_not_write_is_not_merged(self) -> None:
        at = disk(EDITED)
        assert at.plan(NOW, None, "merge").action == "refuse"
        assert at.asked == []


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("wanted", [True, False])
def test_a_file_becomes_executable_and_stays_so(there: bool, wanted: bool) -> None:
    same = disk(NOW, there).plan(NOW, NOW, executable=wanted)
    assert same.action == ("update" if wanted and not there else "unchanged")
    assert disk(BEFORE, there).plan(NOW, BEFORE, executable=wanted).executable is (wanted or there)


class TestGone:
    def plan(self, text: str, how: How = "plain", in_scope: bool = True) -> Regeneration:
        locked = {"old": Locked(blob_id(BEFORE.encode())), "lost": Locked(blob_id(b"x"))}
        found = {"old": Found(text.encode(), False)}
        return plan([], locked, read=found.get, merge=Disk().merge, how=how, in_scope=lambda _: in_scope)

    def test_an_untouched_file_goes(self) -> None:
        done = self.plan(BEFORE)
        assert [(step.path, step.action) for step in done.steps] == [("old", "remove")]
        assert done.lock == {}

    @pytest.mark.parametrize("text", [EDITED, FILLED], ids=["edited", "block"])
    def test_an_edited_file_stays_and_is_told_each_time(self, text: str) -> None:
        done = self.plan(text)
        assert [(step.action, step.differs) for step in done.steps] == [("leave", False)]
        assert list(done.lock) == ["old"]
        assert self.plan(text, "force").steps[0].action == "remove"

    def test_a_file_of_another_selection_is_not_looked_at(self) -> None:
        done = self.plan(BEFORE, in_scope=False)
        assert done.steps == ()
        assert set(done.lock) == {"old", "lost"}


FILES = {"b": Locked("1" * 40), "a": Locked("2" * 64, "3" * 64)}


class TestLock:
    def test_it_is_read_as_it_was_written(self) -> None:
        data = lock.written(FILES)
        assert lock.parse(data) == FILES
        assert data == lock.written(dict(reversed(FILES.items())))
        assert data.index(b'"a"') < data.index(b'"b"')

    def test_no_lock_knows_nothing(self) -> None:
        assert lock.parse(None) == {}

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\xff",
            b"[]",
            b"{}",
            b'{"schema": "pipelinegen.lock/2", "files": {}}',
            b'{"schema": "pipelinegen.lock/1", "files": []}',
            b'{"schema": "pipelinegen.lock/1", "files": {"a": 1}}',
            b'{"schema": "pipelinegen.lock/1", "files": {"a": "123"}}',
            b'{"schema": "pipelinegen.lock/1", "files": {"a": {"accepted": "%s"}}}' % (b"1" * 40),
            b"[" * 100_000,
        ],
        ids=["empty", "binary", "list", "no schema", "newer", "files", "number", "short", "no id", "deep"],
    )
    def test_what_is_no_lock_is_refused(self, data: bytes) -> None:
        with pytest.raises(BadLock):
            lock.parse(data)


_TEXTS = st.lists(st.sampled_from(["a", "b", "c: 1", ""]), max_size=6).map(
    lambda lines: "".join(f"{x}\n" for x in lines)
)


@given(_TEXTS, _TEXTS, _TEXTS)
def test_no_text_of_the_users_is_ever_written_over(before: str, there: str, now: str) -> None:
    """Whatever is there and whatever the lock says: only what was generated, or what is generated, gives way."""
    step = disk(there).plan(now, before)
    assert step.action in ("unchanged", "refuse") or there == before
