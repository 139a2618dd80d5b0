"""Run the independent cases of ../shared/judges where that folder is present: `python -m tests.judges.run`.

A case whose expectation contradicts the contract stands in EXPLAINED with the reason and is still run: it must differ.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pipelinegen.errors import InputError, Refused
from pipelinegen.images.reference import InvalidReference, is_tag, normalise, parse, parse_as_written, split
from pipelinegen.images.versions import reads_as_other
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.source import Refused as FileRefused
from tests.support.trees import Bumped, bump

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "judges"
A_DIGEST = "sha256:" + "a" * 64
B_DIGEST = "sha256:" + "b" * 64

RENAMES = "it renames an image, which a bump never does"
DAMAGE = "upstream formats the file anew (indentation, comments, quotes); only the version may change"
QUOTES = "upstream puts quotes around a tag that every reader takes for a string"
ABSENT = "the case asks for images that its input does not hold"
KEEPS_TAG = "a digest alone drops the tag there; the contract keeps it"
REGISTRY = "upstream's test runs with a default registry of its own; Docker's is docker.io"

EXPLAINED = {
    "octopus-calamari": {
        "WithImageOnNonDefaultRegistry_UpdatesTagAndReportsImage": ABSENT,
        "WithPodUpdatesUsingCustomRegistry_ReturnsUpdatedYaml": REGISTRY,
        "WithPodUpdatesUsingCustomRegistry_OnlyUpdatesCustomMatches": REGISTRY,
        "WithQualifiedNameOnly_AddsNewTagNode": DAMAGE,
        "ExistingContainerHasDigest_StripsDigestAndAddsNewTagNode": QUOTES,
        "HasNewNameNode_PreferencesNewNameNodeWhenMatching": QUOTES,
        "MultipleImages_AllCorrectlyUpdated": QUOTES,
    },
    "kustomize": {
        "emptyContainers": DAMAGE,
        "ignore CustomResourceDefinition": RENAMES,
        "image with tag and digest new name": RENAMES,
        "newImageAndDigest": KEEPS_TAG,
        "newImage": RENAMES,
        "legacy multiple images in containers": KEEPS_TAG,
        "newDigest": KEEPS_TAG,
        "update with digest": KEEPS_TAG,
        "updates multiple images inside containers": KEEPS_TAG,
        "tagWithBraces": "{GENERATED_TAG} is filled in later: a reference built from a variable is left alone",
        "updateimagesuffix": "it appends to tags, whatever they are",
        "updates on multiple depths": DAMAGE,
        "error: ": "kustomize's own command line",
        "<image>=<image>": RENAMES,
        "override new name but keep new tag": RENAMES,
        "keep new name and new tag": RENAMES,
        "do not set asterisk as new tag": RENAMES,
        "update new name and keep the digest": RENAMES,
    },
    "flux-v1": {"name label out of order": DAMAGE, "reordered keys": DAMAGE},
    "flux-image-automation-controller": {
        "leave/original/cronjob.yaml": DAMAGE,
        "leave/original/deployment.yaml": DAMAGE,
        "replace/commented": DAMAGE,
        "setters/unmarked.yaml": "there is no marker, so that nobody else owns the tag",
    },
    "reference": {
        "sha512": "upstream's test program does not link sha512; Docker and registries do",
        "TestMatch": "globs over references, which nothing of ours asks for",
        "sha256:1234567890098765432112345667890098765": "upstream's test does not check it; no digest is so short",
    },
}


class Outcome(NamedTuple):
    """One case: its name, whether we agree, and what was different."""

    name: str
    agrees: bool
    difference: str = ""


Judge = Callable[[Path], Iterator[Outcome]]


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def bumped(name: str, files: dict[str, str], path: str, references: list[str], expected: str) -> Outcome:
    """A bump of some files that must give exactly this text of one of them."""
    try:
        result: Bumped = bump(files, *references, selection=Selection(allow_downgrade=True))
    except (InvalidReference, InputError) as error:
        return Outcome(name, False, str(error))
    text = result.text(path)
    return Outcome(name, text == expected, "" if text == expected else f"got {text!r}, expected {expected!r}")


def octopus_calamari(folder: Path) -> Iterator[Outcome]:
    for row in rows(folder / "cases.jsonl"):
        kustomization = row["op"].startswith("kustomize")
        path = "kustomization.yaml" if kustomization else "p.json" if row["input"].startswith("[") else "m.yaml"
        yield bumped(
            row["id"].rpartition("UpdateImages_")[2], {path: row["input"]}, path, row["images"], row["expected"]
        )


def kustomize(folder: Path) -> Iterator[Outcome]:
    for row in rows(folder / "imagetag.jsonl") + rows(folder / "legacy.jsonl"):
        yield _transformed(row)
    for row in rows(folder / "edit_set_image.jsonl"):
        yield from _set_image(row)


def _transformed(row: dict[str, Any]) -> Outcome:
    """kustomize's transformer with the rename taken back: the lines that named the image, with its own name."""
    image, before, after = row["image"], row["input"].splitlines(), row["expected"].splitlines()
    if "NewTag" not in image and "Digest" not in image:
        return Outcome(row["id"], False, "no version is asked for")
    new = image.get("NewName", image["Name"])
    lines = [
        line.replace(new, image["Name"]) if image["Name"] in old else line
        for old, line in zip(before, after, strict=False)
    ] + after[len(before) :]
    # kustomize ends what it writes with a line break; the file's own end stays.
    expected = "\n".join(lines) + ("\n" if row["input"].endswith("\n") else "")
    digest = image.get("Digest")
    reference = (
        image["Name"] + (f":{image['NewTag']}" if "NewTag" in image else "") + (f"@{A_DIGEST}" if digest else "")
    )
    return bumped(
        row["id"],
        {"m.yaml": _digests(row["input"])},
        "m.yaml",
        [reference],
        _digests(expected.replace(f"@{digest}", f"@{A_DIGEST}") if digest else expected),
    )


def _digests(text: str) -> str:
    """The cases' short digests, which no registry would take, at full length."""
    return re.sub(r"sha256:([0-9a-f]{1,63})(?![0-9a-f])", lambda match: f"sha256:{match[1].ljust(64, 'c')}", text)


def _set_image(row: dict[str, Any]) -> Iterator[Outcome]:
    """`edit set image NAME=NEW:TAG`: with the rename made beforehand it is a bump of what the entry then names."""
    if row["error"]:
        yield Outcome(row["id"], False, "an error")
        return
    wanted = {entry["name"]: entry for entry in _entries(row["expected_block"])}
    before = {entry["name"]: entry for entry in _entries(row["infile"] or "images: []")}
    renamed = [_renamed(entry, before.get(name, {})) for name, entry in wanted.items()]
    for argument in row["args"]:
        name = re.split("[=:@]", argument)[0]
        version = argument.removeprefix(name).partition("=")[2] or argument.removeprefix(name)
        start = max(version.rfind(":", version.rfind("/") + 1, (version + "@").index("@")), -1)
        tail = version[start:] if start >= 0 else version[(version + "@").index("@") :]
        _, tag, digest = split(f"x{tail}".replace("*", "_")) or ("", "", "")
        if "*" in version.replace("*:", ":").replace("*@", "@") or not (tag or digest):
            yield Outcome(f"{row['id']} {argument}", False, "no version is asked for")
            continue
        entry = wanted[name]
        reference = entry.get("newName", name) + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
        result = bump({"kustomization.yaml": _kustomization(renamed)}, reference)
        found = next(each for each in _entries(result.text("kustomization.yaml")) if each["name"] == name)
        # kustomize drops a tag where only a digest is given; the contract keeps it.
        kept = {**entry, **({"newTag": found["newTag"]} if not tag and "newTag" in found else {})}
        yield Outcome(f"{row['id']} {argument}", found in (entry, kept), f"got {found}, expected {entry}")


def _renamed(wanted: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    """The entry with the names that it is to have and the version that it had."""
    names = {key: value for key, value in wanted.items() if key in {"name", "newName"}}
    old = before.get("digest", "").removeprefix("sha256:")
    digest = {"digest": f"sha256:{old.ljust(64, '0')}"} if old else {}
    return {**names, **({"newTag": before["newTag"]} if "newTag" in before else {}), **digest}


def _kustomization(entries: list[dict[str, str]]) -> str:
    lines = [
        f"{'  ' if at else '- '}{key}: {value}\n" for entry in entries for at, (key, value) in enumerate(entry.items())
    ]
    return f"images:\n{''.join(lines)}"


def _entries(text: str) -> list[dict[str, str]]:
    import yaml

    return [dict(entry) for entry in yaml.safe_load(text)["images"]]


def flux_v1(folder: Path) -> Iterator[Outcome]:
    for row in rows(folder / "cases.jsonl"):
        yield bumped(row["id"], {"m.yaml": row["input"]}, "m.yaml", [row["image"]], row["expected"])


def flux_setters(folder: Path) -> Iterator[Outcome]:
    """What Flux' setters own is left alone; what they do not own is bumped."""
    for row in rows(folder / "cases.jsonl"):
        if row["op"] == "set-image":
            yield bumped(row["id"], {"m.yaml": row["input"]}, "m.yaml", [row["image"]], row["expected"])
            continue
        for reference in sorted(set(re.findall(r"(?:image|newName): (\S+?)(?::\S+)? +#", row["input"]))):
            result = bump({row["file"]: row["input"]}, f"{reference}:v99.0.0")
            owned = result.text(row["file"]) == row["input"]
            yield Outcome(f"{row['id']} {reference}", owned, "a tag that Flux owns was changed")


def image_updater(folder: Path) -> Iterator[Outcome]:
    for row in rows(folder / "helmvalues.jsonl"):
        expected = row["expected"] or row["input"].replace("v1.0.0", "v2.0.0")
        yield bumped(row["id"], {"values.yaml": row["input"]}, "values.yaml", ["myapp:v2.0.0"], expected)
    for row in rows(folder / "kustomize.jsonl"):
        before = row["input"].replace("sha12345", B_DIGEST).replace("sha23456", A_DIGEST)
        after = row["expected"].replace("sha23456", A_DIGEST)
        yield bumped(row["id"], {"kustomization.yaml": before}, "kustomization.yaml", [f"foo@{A_DIGEST}"], after)


def scalar_types(folder: Path) -> Iterator[Outcome]:
    for row in rows(folder / "oracle.jsonl"):
        if row["valid_tag"]:
            tag = row["tag"]
            yield Outcome(
                tag, is_tag(tag) and reads_as_other(tag) == row["must_quote"], f"must_quote {row['must_quote']}"
            )


def reference(folder: Path) -> Iterator[Outcome]:
    for row in json.loads((folder / "cases.json").read_text(encoding="utf-8")):
        table = row["test"].partition(":")[0]
        check = _REFERENCE_TABLES[table]
        text = next(row[key] for key in ("input", "Reference", "combined", "pattern", "FullName") if key in row)
        yield Outcome(f"{table} {text!r}", check(row), str(row))


def _accepts(function: Callable[[str], object], text: str) -> bool:
    try:
        function(text)
    except InvalidReference:
        return False
    return True


def _parsed(row: dict[str, Any]) -> bool:
    if row["err"] is not None:
        return not _accepts(parse_as_written, row["input"])
    found = parse_as_written(row["input"])
    return (found.repository, found.tag or "", found.digest or "") == (row["repository"], row["tag"], row["digest"])


def _is_domain(text: str) -> bool:
    """A registry is known as one by the name behind it."""
    try:
        return parse_as_written(f"{text}/a").registry == text
    except InvalidReference:
        return False


def _is_canonical(text: str) -> bool:
    """ParseNamed takes only names that Docker's defaults do not change."""
    return _accepts(parse_as_written, text) and _accepts(parse, text) and text.startswith(parse(text).repository)


def _combined(row: dict[str, Any]) -> bool:
    parts = split(row["combined"])
    return parts is not None and parts == (row["name"], row["tag"] or None, row["digest"] or None)


def _canonical(row: dict[str, Any]) -> bool:
    """ParseDockerRef: a tag beside a digest is dropped, a name alone is `latest`."""
    found = parse(row["input"])
    tag = None if found.digest else found.tag or "latest"
    return bool(found._replace(tag=tag).full == row["expected"])


_REFERENCE_TABLES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "TestReferenceParse": _parsed,
    "TestReferenceRegexp": lambda row: (split(row["input"]) is not None) == row["match"],
    "TestValidateReferenceName": lambda row: _accepts(parse, row["input"]) == row["test"].endswith(":validRepoNames"),
    "TestParseDockerRef": _canonical,
    "TestNormalizedSplitHostname": lambda row: normalise(row["input"]) == f"{row['domain']}/{row['path']}",
    "TestParseRepositoryInfo": lambda row: (
        row["test"].endswith("refStrings") or normalise(row["AmbiguousName"] or row["FullName"]) == row["FullName"]
    ),
    "TestParseAnyReference": lambda row: not _accepts(parse, row["Reference"]) or bool(row.get("Equivalent")),
    "TestMatch": lambda row: False,
    "TestFullNameRegexp": lambda row: (split(row["input"]) == (row["input"], None, None)) == row["match"],
    "TestDomainRegexp": lambda row: _is_domain(row["input"]) == row["match"],
    "TestIdentifierRegexp": lambda row: not (row["match"] and _accepts(parse, row["input"])),
    "TestValidateRemoteName": lambda row: (
        _accepts(parse, row["input"]) == row["test"].endswith(":validRepositoryNames")
    ),
    "TestParseNamed": lambda row: _is_canonical(row["input"]) == (row["err"] is None),
    "TestWithNameFailure": lambda row: split(row["input"]) != (row["input"], None, None),
    "TestDomainAndPath": lambda row: parse_as_written(row["input"])[:2] == (row["domain"], row["path"]),
    "TestWithTag": _combined,
    "TestWithDigest": _combined,
    "TestSerialization": lambda row: _accepts(parse_as_written, row["input"]) == (row["err"] is None),
}


def bad_input(folder: Path) -> Iterator[Outcome]:
    for row in rows(folder / "cases.jsonl"):
        check = _SLOTS.get(row["slot"])
        if check is not None:
            yield check(row)


def _value(row: dict[str, Any]) -> Any:
    if "value" in row:
        return row["value"]
    return eval(row["value_py"], {"__builtins__": {"range": range}, "bomb": _bomb})  # the cases are ours


def _bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x]\n"]
    for level in range(1, levels):
        aliases = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"a{level}: &a{level} [{aliases}]\n")
    return "".join(lines)


def _tag(row: dict[str, Any]) -> Outcome:
    tag = row["value"]
    if row["exit"]:
        return Outcome(row["id"], not is_tag(tag), "an invalid tag was accepted")
    result = bump({"values.yaml": "image:\n  repository: r/a\n  tag: old\n"}, f"r/a:{tag}")
    quoted = f'tag: "{tag}"' in result.text("values.yaml")
    return Outcome(row["id"], quoted == ("quoted" in row["expect"]), result.text("values.yaml"))


def _image(row: dict[str, Any]) -> Outcome:
    accepted = _accepts(parse, row["value"]) and normalise(row["value"]) is not None
    return Outcome(row["id"], accepted == (row["exit"] == 0), f"accepted: {accepted}")


def _manifest(row: dict[str, Any]) -> Outcome:
    """By the command itself, in the stated time and memory."""
    import resource

    with tempfile.TemporaryDirectory() as folder:
        value = _value(row)
        Path(folder, "m.yaml").write_bytes(value.encode() if isinstance(value, str) else value)
        started = time.monotonic()
        words = ["bump", "r/a:2", "--repo", folder]
        done = subprocess.run(
            [sys.executable, "-m", "pipelinegen", *words], capture_output=True, check=False, timeout=60
        )
        seconds = time.monotonic() - started
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        changed = Path(folder, "m.yaml").read_bytes() != (value.encode() if isinstance(value, str) else value)
    said = done.stderr.decode(errors="replace")
    refused = done.returncode == 2 and not changed and "m.yaml:" in said
    fine = done.returncode == row["exit"] or ("or refused" in row["expect"] and refused)
    bounded = "under 5 s" not in row["expect"] or (seconds < 5 and memory < 300)
    clear = "Traceback" not in said
    return Outcome(
        row["id"], fine and bounded and clear, f"exit {done.returncode}, {seconds:.1f} s, {memory:.0f} MB: {said}"
    )


def _path(row: dict[str, Any]) -> Outcome:
    """Each path as --path of a tree that holds a regular file `x.yaml` and, where the name can be one, that file."""
    value = row["value"].split(" (")[0]
    with tempfile.TemporaryDirectory() as folder:
        _tree(Path(folder), row["value"])
        words = ["bump", "r/a:2", "--repo", folder, "--path", value, "--dry-run"]
        done = subprocess.run(
            [sys.executable, "-m", "pipelinegen", *words], capture_output=True, check=False, timeout=60
        )
    said = done.stderr.decode(errors="replace")
    fine = done.returncode == row["exit"] or ("or refuse" in row["expect"] and done.returncode == 0)
    return Outcome(row["id"], fine and "Traceback" not in said, f"exit {done.returncode}: {said}")


def _tree(folder: Path, value: str) -> None:
    content = b"image: r/a:1\n"
    (folder / "x.yaml").write_bytes(content)
    name = value.split(" (", maxsplit=1)[0]
    if "symlink" in value:
        (folder / name).symlink_to("/etc/hostname" if "outside" in name else "x.yaml")
    elif "a tree" in value:
        (folder / name).mkdir()
        (folder / name / "y.yaml").write_bytes(content)
    elif "binary" in value:
        (folder / "binary file named .yaml").write_bytes(b"\0\1\2image: r/a:1\n")
    elif "SOPS" in value:
        (folder / "SOPS file").write_bytes(content)
    elif "NFC" in value:
        (folder / "e\u0301.yaml").write_bytes(content)
    elif name.startswith(".git") or (not name.startswith((".", "/", "~", ":", "*")) and len(name) < 200):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _config(row: dict[str, Any]) -> Outcome:
    from pipelinegen.config import loads

    value = _value(row)
    try:
        loads(value.encode() if isinstance(value, str) else value, "pipelinegen.yaml")
        code = 0
    except (InputError, Refused, FileRefused):
        code = 2
    return Outcome(row["id"], code == row["exit"], f"exit {code}")


_SLOTS: dict[str, Callable[[dict[str, Any]], Outcome]] = {
    "tag": _tag,
    "image": _image,
    "manifest": _manifest,
    "path": _path,
    "config": _config,
}

JUDGES: dict[str, Judge] = {
    "reference": reference,
    "scalar-types": scalar_types,
    "octopus-calamari": octopus_calamari,
    "kustomize": kustomize,
    "flux-v1": flux_v1,
    "flux-image-automation-controller": flux_setters,
    "argocd-image-updater": image_updater,
    "bad-input": bad_input,
}


def main() -> int:
    """Print a summary for each folder; 1 where a disagreement has no explanation, or an explanation no disagreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--only", action="append", choices=list(JUDGES))
    options = parser.parse_args()
    if not options.folder.is_dir():
        print(f"no judges here: {options.folder.name} is not beside the project")
        return 0
    wrong = 0
    for name in options.only or JUDGES:
        wrong += _report(name, list(JUDGES[name](options.folder / name)))
    return 1 if wrong else 0


def _report(name: str, outcomes: list[Outcome]) -> int:
    explained = EXPLAINED.get(name, {})
    reasons = {outcome.name: _reason(outcome.name, explained) for outcome in outcomes}
    different = [outcome for outcome in outcomes if not outcome.agrees]
    open_ones = [outcome for outcome in different if reasons[outcome.name] is None]
    agreed = len(outcomes) - len(different)
    print(f"{name}: {agreed} of {len(outcomes)} agree, {len(different) - len(open_ones)} differ for a stated reason")
    stale = [part for part in explained if not any(part in outcome.name for outcome in different)]
    for part in stale:
        print(f"  NO DISAGREEMENT to explain: {part}")
    for outcome in different:
        reason = reasons[outcome.name]
        print(f"  {outcome.name}: {reason}" if reason else f"  DISAGREES {outcome.name}: {outcome.difference[:600]}")
    return len(open_ones) + len(stale)


def _reason(name: str, explained: dict[str, str]) -> str | None:
    return next((reason for part, reason in explained.items() if part in name), None)


if __name__ == "__main__":
    sys.exit(main())
