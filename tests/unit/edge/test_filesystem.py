"""The files of an image against a model that unpacks its layers one after the other, as containerd does."""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.edge.filesystem import Entry, ImageFiles
from pipelinegen.errors import WorldError
from tests.support.layers import Item, file, folder, hard_link, make_layout, symlink


def files_of(path: Path, *layers: Sequence[Item]) -> ImageFiles:
    layout = make_layout(path / "layout", layers)
    return ImageFiles(layout, layout.root().digest)


def shown(files: ImageFiles) -> dict[str, str]:
    """Every path with what it is."""
    return {entry.path: _shown(files, entry) for entry in files.walk("/")}


def _shown(files: ImageFiles, entry: Entry) -> str:
    if entry.kind == "symlink":
        return f"-> {entry.target}"
    return b"".join(files.pieces(entry)).decode() if entry.kind == "file" else entry.kind


BASE = [folder("etc"), file("etc/a", "base a"), file("etc/b", "base b"), folder("opt"), file("opt/x", "x")]

TABLE: dict[str, tuple[list[list[Item]], dict[str, str]]] = {
    "one layer": ([BASE], {"/etc": "folder", "/etc/a": "base a", "/etc/b": "base b", "/opt": "folder", "/opt/x": "x"}),
    "a file is replaced": ([BASE, [file("etc/a", "new")]], {"/etc/a": "new", "/etc/b": "base b"}),
    "a file is taken away": ([BASE, [file("etc/.wh.a")]], {"/etc/a": "", "/etc/b": "base b"}),
    "a folder is taken away": ([BASE, [file(".wh.etc")]], {"/etc": "", "/etc/a": "", "/opt/x": "x"}),
    "a folder is taken away and made again": (
        [BASE, [folder("etc"), file(".wh.etc"), file("etc/c", "c")]],
        {"/etc/a": "", "/etc/b": "", "/etc/c": "c"},
    ),
    "an opaque folder": (
        [BASE, [folder("etc"), file("etc/.wh..wh..opq"), file("etc/c", "c")]],
        {"/etc/a": "", "/etc/b": "", "/etc/c": "c", "/opt/x": "x"},
    ),
    "an opaque mark behind what it does not take": (
        [BASE, [folder("etc"), file("etc/c", "c"), file("etc/.wh..wh..opq")]],
        {"/etc/a": "", "/etc/c": "c"},
    ),
    "an opaque root": ([BASE, [file(".wh..wh..opq"), file("n", "n")]], {"/etc": "", "/opt/x": "", "/n": "n"}),
    "a whiteout and the file in one layer": ([BASE, [file("etc/.wh.a"), file("etc/a", "n")]], {"/etc/a": "n"}),
    "a whiteout of nothing": ([BASE, [file("etc/.wh.zzz")]], {"/etc/zzz": "", "/etc/a": "base a"}),
    "a file in the place of a folder": ([BASE, [file("etc", "f")]], {"/etc": "f", "/etc/a": ""}),
    "a folder in the place of that file": (
        [BASE, [file("etc", "f")], [folder("etc"), file("etc/n", "n")]],
        {"/etc/a": "", "/etc/n": "n"},
    ),
    "a folder given again keeps what is in it": ([BASE, [folder("etc", 0o700)]], {"/etc/a": "base a"}),
    "taken away, then put back": ([BASE, [file("etc/.wh.a")], [file("etc/a", "3")]], {"/etc/a": "3"}),
    "marks of AUFS": (
        [BASE, [file(".wh..wh.aufs"), folder(".wh..wh.plnk")]],
        {"/.wh..wh.aufs": "", "/etc/a": "base a"},
    ),
    "a folder that no entry has": ([[file("a/b/c", "c")]], {"/a": "folder", "/a/b": "folder", "/a/b/c": "c"}),
    "written through a link to a folder": (
        [[folder("usr"), folder("usr/lib"), symlink("lib", "usr/lib")], [file("lib/x", "x")]],
        {"/lib": "-> usr/lib", "/usr/lib/x": "x", "/lib/x": ""},
    ),
    "a link that an entry makes a folder": (
        [[folder("usr/lib"), symlink("lib", "usr/lib")], [folder("lib"), file("lib/x", "x")]],
        {"/lib": "folder", "/lib/x": "x", "/usr/lib/x": ""},
    ),
    "written through a link of the same layer": (
        [[folder("data"), symlink("d", "/data"), file("d/x", "x")]],
        {"/data/x": "x", "/d": "-> /data"},
    ),
    "a whiteout through a link": (
        [[folder("data"), file("data/x", "x"), symlink("d", "data")], [file("d/.wh.x")]],
        {"/data/x": "", "/d": "-> data"},
    ),
    "a hard link in one layer": ([[file("a", "1"), hard_link("b", "a")]], {"/a": "1", "/b": "1"}),
    "a hard link to a file below": ([BASE, [hard_link("opt/y", "opt/x")]], {"/opt/x": "x", "/opt/y": "x"}),
    "a hard link whose file is replaced": (
        [[file("a", "1"), hard_link("b", "a")], [file("a", "2")]],
        {"/a": "2", "/b": "1"},
    ),
    "names with dots and slashes": (
        [[folder("./"), file("./a", "1"), file("/b", "2"), file("c//./d", "3"), file("../../e", "4")]],
        {"/a": "1", "/b": "2", "/c/d": "3", "/e": "4"},
    ),
    "an entry twice": ([[file("a", "1"), file("a", "2")]], {"/a": "2"}),
    "a folder that becomes a file in one layer": (
        [[folder("a"), file("a/b", "1"), file("a", "f")]],
        {"/a": "f", "/a/b": ""},
    ),
    "an empty layer": ([BASE, []], {"/etc/a": "base a"}),
    "no layer": ([], {}),
}


@pytest.mark.parametrize(("layers", "expected"), TABLE.values(), ids=TABLE)
def test_what_layers_amount_to(tmp_path: Path, layers: list[list[Item]], expected: dict[str, str]) -> None:
    files = files_of(tmp_path, *layers)
    everything = shown(files)
    for path, what in expected.items():
        entry = files.get(path, follow=False)
        assert everything.get(path, "") == what
        if posixpath.dirname(path) in (*everything, "/") or what == "":
            seen = everything.get(path) if entry is not None and entry.path == path else None
            assert seen == (what or None)


def test_the_attributes_of_entries(tmp_path: Path) -> None:
    items = [
        Item("bin/su", b"x", mode=0o4755, uid=5, gid=6, mtime=77, pax={"SCHILY.xattr.user.k": "v"}),
        folder("tmp", 0o1777),
        symlink("sh", "/bin/su"),
    ]
    files = files_of(tmp_path, items)
    su = files.get("/bin/su")
    assert su is not None
    assert (su.kind, su.mode, su.uid, su.gid, su.size, su.mtime) == ("file", 0o4755, 5, 6, 1, 77)
    assert su.xattrs == {"user.k": b"v"}
    assert su.permissions == "-rwsr-xr-x"
    tmp, sh = files.get("tmp"), files.get("/sh", follow=False)
    assert tmp is not None
    assert tmp.permissions == "drwxrwxrwt"
    assert sh is not None
    assert sh.permissions.startswith("l")
    root = files.get("/")
    assert root is not None
    assert root.kind == "folder"


LINKS = [
    folder("a"),
    file("a/f", "f"),
    symlink("up", "a/../a/f"),
    symlink("abs", "/a/f"),
    symlink("out", "../../../../a/f"),
    symlink("folder", "a"),
    symlink("deep", "folder/../abs"),
    symlink("gone", "nowhere"),
    symlink("self", "self"),
    symlink("one", "two"),
    symlink("two", "one"),
    symlink("a/here", "f"),
]


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("/up", "/a/f"),
        ("/abs", "/a/f"),
        ("/out", "/a/f"),
        ("/folder/f", "/a/f"),
        ("folder/here", "/a/f"),
        ("/deep", "/a/f"),
        ("/a/./../a//f", "/a/f"),
        ("/a/f/", "/a/f"),
        ("/../../a/f", "/a/f"),
        ("/gone", None),
        ("/self", None),
        ("/one", None),
        ("/a/f/below", None),
        ("/nowhere/..", "/"),
        ("", "/"),
    ],
)
def test_links_are_resolved_inside_the_image(tmp_path: Path, path: str, real: str | None) -> None:
    entry = files_of(tmp_path, LINKS).get(path)
    assert (entry and entry.path) == real


def test_without_follow_the_last_link_is_seen_itself(tmp_path: Path) -> None:
    files = files_of(tmp_path, LINKS)
    entry = files.get("/folder/here", follow=False)
    assert entry is not None
    assert (entry.path, entry.kind, entry.target) == ("/a/here", "symlink", "f")


def test_reading_files(tmp_path: Path) -> None:
    files = files_of(tmp_path, LINKS, [file("big", b"x" * 5000)])
    assert files.read("/deep") == b"f"
    assert files.read("/big", 5000) == b"x" * 5000
    with pytest.raises(WorldError, match="longer than 4999"):
        files.read("/big", 4999)
    for path in ("/nowhere", "/a", "/gone"):
        with pytest.raises(KeyError):
            files.read(path)


def test_walking_below_a_folder(tmp_path: Path) -> None:
    files = files_of(tmp_path, BASE, [file("etc/c/d", "d")])
    assert [entry.path for entry in files.walk("/etc")] == ["/etc/a", "/etc/b", "/etc/c", "/etc/c/d"]
    assert list(files.walk("/etc/a")) == []
    assert list(files.walk("/nowhere")) == []


def test_contents_come_in_the_order_of_the_layers(tmp_path: Path) -> None:
    files = files_of(tmp_path, [file("z", "1"), file("a", "2"), hard_link("h", "z")], [file("m", "3")])
    entries = [entry for name in ("m", "a", "z") if (entry := files.get(name)) is not None]
    read = {entry.path: b"".join(pieces) for entry, pieces in files.contents(entries)}
    assert read == {"/z": b"1", "/a": b"2", "/m": b"3"}
    unread = [entry.path for entry, _ in files.contents(entries)]
    assert unread == ["/z", "/a", "/m"]


def test_a_lower_layer_is_not_read_where_the_upper_one_answers(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "l", [b"no tar at all" * 100, [folder("app"), file("app/x", "x")]])
    files = ImageFiles(layout, layout.root().digest)
    assert files.read("/app/x") == b"x"
    with pytest.raises(WorldError):
        files.get("/other")
    with pytest.raises(WorldError):
        files.get("/other")  # and again: a failed reading leaves no half a layer


def test_a_hard_link_to_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="hard link"):
        files_of(tmp_path, [hard_link("a", "nowhere")]).get("/a")


# The model.


class Node(NamedTuple):
    """What is unpacked at a path."""

    kind: str
    what: str
    layer: int


class Disk:
    """A disk on which layers are unpacked in their order: whiteouts remove, folders merge, the rest replaces."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {"/": Node("folder", "", -1)}

    def unpack(self, items: Sequence[Item], layer: int) -> None:
        for item in items:
            parent, name = posixpath.split("/" + item.name)
            parent = self.make(parent, layer)
            path = posixpath.join(parent, name)
            if name == ".wh..wh..opq":
                self.remove(parent, layer, below_only=True)
            elif name.startswith(".wh."):
                self.remove(posixpath.join(parent, name[4:]), layer)
            elif item.hard:
                target = self.nodes.get("/" + str(item.link))
                if target is not None:
                    self.put(path, target._replace(layer=layer))
            elif item.link is not None:
                self.put(path, Node("symlink", item.link, layer))
            elif item.body is None:
                self.put(path, Node("folder", "", layer))
            else:
                self.put(path, Node("file", item.body.decode(), layer))

    def put(self, path: str, node: Node) -> None:
        before = self.nodes.get(path)
        if before is not None and not (before.kind == node.kind == "folder"):
            for each in [name for name in self.nodes if name == path or name.startswith(path + "/")]:
                del self.nodes[each]
        self.nodes[path] = node

    def remove(self, path: str, layer: int, below_only: bool = False) -> None:
        prefix = path.rstrip("/") + "/"
        for each in [name for name in self.nodes if name.startswith(prefix) or (name == path and not below_only)]:
            if self.nodes[each].layer < layer and each != "/":
                held = [name for name in self.nodes if name.startswith(each + "/") and self.nodes[name].layer == layer]
                if not held:
                    del self.nodes[each]

    def make(self, path: str, layer: int) -> str:
        if path == "/":
            return path
        parent = self.make(posixpath.dirname(path), layer)
        here = posixpath.join(parent, posixpath.basename(path))
        node = self.nodes.get(here)
        if node is not None and node.kind == "symlink":
            target = posixpath.normpath(posixpath.join("/", parent, node.what))
            if self.nodes.get(target, node).kind == "folder":
                return target
        if node is None or node.kind != "folder":
            self.put(here, Node("folder", "", layer))
        else:
            self.nodes[here] = node._replace(layer=layer)
        return here


NAMES = ["a", "b", "c"]
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)


def _item(kind: str, path: str, target: str, number: int) -> Item:
    parent, _, name = path.rpartition("/")
    within = f"{parent}/" if parent else ""
    return {
        "file": file(path, str(number)),
        "folder": folder(path),
        "whiteout": file(f"{within}.wh.{name}"),
        "opaque": file(f"{path}/.wh..wh..opq"),
        "link": symlink(path, "/" + target),
    }[kind]


ITEMS = st.builds(
    _item,
    st.sampled_from(["file", "file", "folder", "folder", "whiteout", "opaque", "link"]),
    PATHS,
    st.sampled_from(NAMES),
    st.integers(0, 99),
)


def _well_formed(items: list[Item]) -> list[Item]:
    """As a builder writes a layer: each path once, whiteouts first, the folders above before what is in them."""
    seen: dict[str, Item] = {}
    for item in items:
        path = item.name.replace(".wh..wh..opq", "\0").replace(".wh.", "")
        above = [seen[path[:at]] for at, char in enumerate(path) if char == "/" and path[:at] in seen]
        blocked = any(other.body is not None or other.link is not None for other in above)
        if not blocked and not any(other.startswith(path + "/") for other in seen):
            seen.setdefault(path, item)
    return sorted(seen.values(), key=lambda item: (".wh." not in item.name, item.name.count("/")))


@given(st.lists(st.lists(ITEMS, max_size=6).map(_well_formed), max_size=4))
def test_the_files_are_those_that_unpacking_leaves(layers: list[list[Item]]) -> None:
    disk = Disk()
    for number, items in enumerate(layers):
        disk.unpack(items, number)
    expected = {
        path: f"-> {node.what}" if node.kind == "symlink" else node.what if node.kind == "file" else "folder"
        for path, node in disk.nodes.items()
        if path != "/"
    }
    with tempfile.TemporaryDirectory() as temporary:
        files = files_of(Path(temporary), *layers)
        assert shown(files) == expected
        for path in expected:
            entry = files.get(path, follow=False)
            assert entry is not None
            assert entry.path == path
