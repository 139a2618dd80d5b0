"""What docs/jenkins.md shows is right, and does what it says."""

import re
from pathlib import Path

from pipelinegen import __version__
from tests.support.forges.service import CANARIES
from tests.support.gitlab_runner import _python
from tests.support.jenkins import World, judge
from tests.support.repos import git
from tests.support.wheel import thin_wheel
from tests.support.world import world

TEXT = (Path(__file__).parents[2] / "docs" / "jenkins.md").read_text(encoding="utf-8")
FUNCTION, PIPELINE, BLOCK = re.findall(r"(?ms)^```groovy\n(.*?)^```$", TEXT)
CONFIG = """\
version: 1
project: shop
manifests:
  repository: MANIFESTS
  forge: github
  forge-url: API
  environments:
    production: {paths: [apps/*/overlays/production/**], deliver: pull-request}
"""


def test_what_is_shown_is_right() -> None:
    assert judge().check(f"{PIPELINE}\n{FUNCTION}") == [[]]
    assert f"pipelinegen=={__version__}" in FUNCTION
    assert "// pipelinegen:begin options-deploy-production\n" in BLOCK


def test_the_step_opens_a_pull_request(tmp_path: Path) -> None:
    _python(tmp_path / "bin")
    upstream = tmp_path / "upstream"
    upstream.mkdir()
    git(upstream, "init", "--quiet", "--initial-branch=main")
    with world("github", tmp_path / "manifests") as place:
        config = CONFIG.replace("MANIFESTS", place.url).replace("API", place.service.stand_in.api)
        (upstream / "pipelinegen.yaml").write_text(config, encoding="utf-8")
        git(upstream, "add", "--all")
        git(upstream, "commit", "--quiet", "--message", "first")
        env = {
            **thin_wheel(tmp_path / "wheels"),
            "BRANCH_NAME": "main",
            "HOME": str(tmp_path),
            "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
            "PIPELINEGEN_VERIFY_IMAGE": "false",
        }
        store = {"manifests-token": {"kind": "string", "secret": CANARIES["github"]}}
        started = World(tmp_path / "run", f"file://{upstream}", env=env, credentials=store)
        ran = judge().run(f"{PIPELINE}\n{FUNCTION}", started)
        assert ran.result == "SUCCESS", ran.text
        (pull,) = place.service.open_ones()
        overlay = place.repository.read(pull.head, "apps/api/overlays/production/kustomization.yaml")
    assert "newTag: 1.1.0" in overlay
    assert CANARIES["github"] not in ran.text
