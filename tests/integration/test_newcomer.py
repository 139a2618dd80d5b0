"""From a bare clone of an application to an opened pull request, by the commands that the README shows alone."""

import json
import re
import subprocess
from pathlib import Path

from docs import consoles
from tests.support.forges.github import GitHub
from tests.support.registry import start_registry
from tests.support.world import World, world

SECTION = "### On your machine"
LONGEST = 100
SITE = {"Dockerfile": "FROM scratch\nCOPY index.html /srv/\nUSER 1000\n", "index.html": "<h1>Hello</h1>\n"}


def shown() -> list[str]:
    """The commands of the README's section."""
    readme = (consoles.ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"(?m)^\$ (.*)$", readme.partition(f"{SECTION}\n")[2].partition("\n##")[0])


def manifests(image: str) -> dict[str, str]:
    overlay = f"resources: [../../base]\nimages:\n  - name: shop\n    newName: {image}\n    newTag: 1.0.0\n"
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\n"
    overlays = {f"apps/shop/overlays/{name}/kustomization.yaml": overlay for name in ("staging", "production")}
    base = {"kustomization.yaml": "resources: [deployment.yaml]\n", "deployment.yaml": deployment}
    return {**overlays, **{f"apps/shop/base/{name}": text for name, text in base.items()}}


def clone(folder: Path) -> Path:
    """A clone of an application that nobody has prepared for anything."""

    def git(*words: str, cwd: Path) -> None:
        author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.invalid")
        subprocess.run(["git", *author, *words], cwd=cwd, check=True)

    source = folder / "source"
    source.mkdir(parents=True)
    for name, text in SITE.items():
        (source / name).write_text(text)
    git("init", "--quiet", "--initial-branch=main", cwd=source)
    git("add", "--all", cwd=source)
    git("commit", "--quiet", "--message", "Greet", cwd=source)
    git("clone", "--quiet", str(source), str(folder / "shop"), cwd=folder)
    return folder / "shop"


def run(place: World, command: str) -> str:
    """The command line as it stands, on a machine that knows the forge of this world as others know github.com."""
    done = place.run(
        *command.split()[1:],
        PIPELINEGEN_FORGE="github",
        PIPELINEGEN_FORGE_URL=place.service.stand_in.api,
        PIPELINEGEN_ENGINE="oci",
    )
    assert done.code == 0, f"{command}\n{done.out}{done.err}"
    return done.err


def test_three_commands_of_a_line_each_lead_to_an_open_pull_request(tmp_path: Path) -> None:
    commands = shown()
    assert 1 <= len(commands) <= 3
    assert max(map(len, commands)) <= LONGEST
    with start_registry(tmp_path / "registry", "open") as registry:
        image = f"{registry.host}/acme/shop"
        with world("github", tmp_path / "world", manifests(image)) as place:
            place.folder = clone(tmp_path / "clone")
            ours = {"https://github.com/acme/manifests": place.url, "ghcr.io/acme": f"{registry.host}/acme"}
            said = [run(place, re.sub("|".join(ours), lambda found: ours[found[0]], each)) for each in commands]
            assert isinstance(place.service.stand_in, GitHub)
            (pull,) = place.service.stand_in.pulls
            assert (pull.state, pull.base) == ("open", "main")
            assert "pull request opened: http" in said[-1]
            changed = {
                name: place.repository.read(branch, f"apps/shop/overlays/{name}/kustomization.yaml")
                for name, branch in (("staging", "main"), ("production", pull.head))
            }
            digest = json.loads((place.folder / "build-metadata.json").read_text())["images"][0]["digest"]
            for text in changed.values():
                assert f"newTag: 1.1.0\n    digest: {digest}" in text
