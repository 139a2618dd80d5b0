"""What aliases and merge keys of a source stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelinegen.manifests.spans import Alias, Mapping, Node, Scalar
from pipelinegen.manifests.spans import Sequence as NodeSequence

MERGE = "<<"


class Anchors:
    """The aliases of some documents: an alias stands for the last node before it that has its name."""

    def __init__(self, documents: Sequence[Node]) -> None:
        self._targets: dict[Alias, Node] = {}
        self._users: dict[Node, list[Alias]] = {}
        for document in documents:
            self._read(document)

    def _read(self, document: Node) -> None:
        anchors: dict[str, Node] = {}
        pending = [document]
        while pending:
            node = pending.pop()
            if isinstance(node, Alias):
                target = anchors.get(node.name)
                if target is not None:
                    self._targets[node] = target
                    self._users.setdefault(target, []).append(node)
                continue
            if node.anchor is not None:
                anchors[node.anchor] = node
            if isinstance(node, Mapping):
                pending.extend(part for pair in reversed(node.pairs) for part in reversed(pair))
            elif isinstance(node, NodeSequence):
                pending.extend(reversed(node.items))
            elif isinstance(node, Scalar):
                for inner in node.nested:
                    self._read(inner)

    def resolve(self, node: Node | None) -> Node | None:
        """The node itself, or what an alias stands for (None where its anchor is missing)."""
        return self._targets.get(node) if isinstance(node, Alias) else node

    def users(self, node: Node) -> Sequence[Alias]:
        """The aliases that stand for a node."""
        return self._users.get(node, ())

    def get(self, mapping: Mapping, key: str) -> Node | None:
        """What a reader finds under a key: the mapping's own value, else that of the first merged mapping."""
        for holder in self._with_merged(mapping, set()):
            found = holder.get(key)
            if found is not None:
                return self.resolve(found)
        return None

    def _with_merged(self, mapping: Mapping, seen: set[Mapping]) -> Iterator[Mapping]:
        if mapping in seen:
            return
        seen.add(mapping)
        yield mapping
        merged = mapping.get(MERGE)
        for node in merged.items if isinstance(merged, NodeSequence) else [merged]:
            target = self.resolve(node)
            if isinstance(target, Mapping):
                yield from self._with_merged(target, seen)

    def merging(self, mapping: Mapping) -> list[Mapping]:
        """The mappings that take this one's keys by `<<`, directly or through others."""
        found: dict[Mapping, None] = {}
        pending = [mapping]
        while pending:
            node = pending.pop()
            for use in (node, *self.users(node)):
                item = use.parent if isinstance(use.parent, NodeSequence) else use
                holder = item.parent
                if item.key_text() == MERGE and isinstance(holder, Mapping) and holder not in found:
                    found[holder] = None
                    pending.append(holder)
        found.pop(mapping, None)
        return list(found)
