"""What a build hands on: build-metadata.json, which `bump --from` and skaffold read, and facts for later CI steps."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pipelinegen.commands.building.asked import METADATA_FILE, BuildOptions
from pipelinegen.commands.building.made import Failed, Made
from pipelinegen.commands.building.source import Source
from pipelinegen.edge.ci import write_outputs, write_summary
from pipelinegen.errors import PipelinegenError, WorldError

SCHEMA = "pipelinegen.build/1"


class Outcome(NamedTuple):
    """What became of all images: in the order of the configuration."""

    source: Source
    made: Sequence[Made] = ()
    failed: Sequence[Failed] = ()

    @property
    def pushed(self) -> list[Made]:
        return [each for each in self.made if each.result != "unpushed"]

    @property
    def result(self) -> str:
        """The one word for it."""
        if self.failed:
            return "refused" if all(each.error.exit_code == 1 for each in self.failed) else "failed"
        if any(each.result == "built" for each in self.made):
            return "built"
        return "unchanged" if self.pushed else "unpushed"


def document(outcome: Outcome) -> dict[str, Any]:
    """The JSON document. `images` holds only what can be deployed: images that are in their registry."""
    source = outcome.source
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "result": outcome.result,
        "source": {"revision": source.revision, "url": source.url, "ref": source.event.ref or None},
        "images": [_image(each, source) for each in outcome.pushed],
        "unpushed": [_image(each, source) for each in outcome.made if each.result == "unpushed"],
        "failed": [_failed(each) for each in outcome.failed],
        # What `skaffold deploy --build-artifacts` reads.
        "builds": [
            {"imageName": each.wanted.repository.familiar, "tag": str(each.reference)} for each in outcome.pushed
        ],
    }
    if outcome.failed:
        found["error"] = worst(outcome.failed).data()
    return found


def error_document(error: PipelinegenError) -> dict[str, Any]:
    """The document of a build that did not come to any image."""
    result = "refused" if error.exit_code == 1 else "failed"
    return {"schema": SCHEMA, "result": result, "images": [], "error": error.data()}


def worst(failed: Iterable[Failed]) -> PipelinegenError:
    """Of several failures the one whose exit code counts: 70, 4, 2, 3, 1."""
    return min((each.error for each in failed), key=lambda error: (70, 4, 2, 3, 1).index(error.exit_code))


def _image(made: Made, source: Source) -> dict[str, Any]:
    return {
        "name": made.wanted.name,
        "result": made.result,
        "repository": made.wanted.repository.repository,
        "tag": made.tag,
        "tags": list(made.tags),
        "digest": made.digest,
        "reference": str(made.reference),
        "mirrors": [mirror.repository for mirror in made.wanted.mirrors],
        "platforms": list(made.platforms),
        "inputs": made.inputs or None,
        "engine": made.engine,
        "created": source.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "source": {"revision": source.revision, "url": source.url},
        "tests": _tests(made.tests),
        "notes": list(made.notes),
    }


def _tests(report: Any) -> dict[str, Any] | None:
    if report is None:
        return None
    failures = [{"name": case.name, "kind": case.kind, "message": case.message} for case in report.failures]
    passed = len(report.cases) - len(failures)
    return {"passed": passed, "failed": len(failures), "seconds": round(report.seconds, 3), "failures": failures}


def _failed(failed: Failed) -> dict[str, Any]:
    return {
        "name": failed.wanted.name,
        "repository": failed.wanted.repository.repository,
        "error": failed.error.data(),
        "tests": _tests(failed.tests),
    }


def write_metadata(outcome: Outcome, options: BuildOptions) -> str:
    """Write the document; also where an image has failed, for the others. The path of it as a person would type it."""
    name = options.metadata_file or METADATA_FILE
    path = os.path.join(options.directory, name)
    text = json.dumps(document(outcome), indent=2, ensure_ascii=True) + "\n"
    try:
        # Beside it and then in its place: a reader never sees half of it.
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{path}.new", path)
    except OSError as error:
        raise WorldError(
            f"cannot write the build's metadata: {error.strerror}",
            id="disk",
            where=path,
            state=f"pushed: {', '.join(str(each.reference) for each in outcome.pushed) or 'nothing'}",
        ) from None
    return name


def tell_ci(outcome: Outcome, metadata: str) -> None:
    """The facts for later steps of this CI job, and a page for people."""
    ci = outcome.source.ci
    if ci.output_file is not None:
        write_outputs(ci, facts(outcome, metadata))
    if ci.summary_file is not None:
        write_summary(ci, summary(outcome))


def facts(outcome: Outcome, metadata: str) -> dict[str, str]:
    """Outputs: of the build, and of each image under its name. One line each, as a dotenv file needs it."""
    found = {
        "result": outcome.result,
        "changed": str(any(each.result == "built" for each in outcome.made)).lower(),
        "metadata-file": metadata,
        "references": " ".join(str(each.reference) for each in outcome.pushed),
    }
    for each in outcome.pushed:
        name = re.sub("[^A-Za-z0-9-]", "-", each.wanted.name)
        name = name if name[0].isalpha() else f"image-{name}"
        found |= {
            f"{name}-reference": str(each.reference),
            f"{name}-digest": each.digest,
            f"{name}-tag": each.tag or "",
        }
    return found


def summary(outcome: Outcome) -> str:
    """A readable page of it in Markdown."""
    from pipelinegen.markdown import escaped, span

    lines = [f"### pipelinegen build: {escaped(outcome.result)}", ""]
    if outcome.made or outcome.failed:
        lines += ["| image | | tags | digest | tests |", "| --- | --- | --- | --- | --- |"]
    for each in outcome.made:
        tags = ", ".join(span(tag) for tag in each.tags)
        tests = f"{len(each.tests.cases)} passed" if each.tests else ""
        name = span(each.wanted.repository.familiar)
        lines.append(f"| {name} | {each.result} | {tags} | {span(each.digest)} | {tests} |")
    for failure in outcome.failed:
        name = span(failure.wanted.repository.familiar)
        tests = f"{len(failure.tests.failures)} failed" if failure.tests else ""
        lines.append(f"| {name} | failed: {escaped(failure.error.what)} | | | {tests} |")
    notes = [note for each in outcome.made for note in each.notes]
    lines += ["", *(f"- {escaped(note)}" for note in notes)] if notes else []
    return "\n".join(lines) + "\n"
