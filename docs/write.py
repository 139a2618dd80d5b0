"""Write what is generated in the documents: `python -m docs.write`."""

from __future__ import annotations

from docs import action, consoles, reference
from pipelinegen.config import json_schema


def main() -> None:
    (consoles.ROOT / "docs/reference.md").write_text(reference.text(), encoding="utf-8")
    (consoles.ROOT / "docs/configuration.md").write_text(json_schema.reference(), encoding="utf-8")
    described = consoles.ROOT / "action.yml"
    described.write_text(action.text(described.read_text(encoding="utf-8")), encoding="utf-8")
    for name in consoles.documents():
        path = consoles.ROOT / name
        before = path.read_text(encoding="utf-8")
        after = consoles.run_again(before) if consoles.lines_of(before) else before
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"{name}: written again")  # noqa: T201 - a program of its own


if __name__ == "__main__":
    main()
