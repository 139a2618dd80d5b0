"""Real `kubectl kustomize` before and after a bump: only the wanted images differ, and nothing else in any object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelinegen.images.reference import normalise
from pipelinegen.manifests.finding import Selection
from tests.support.kustomize import Files, images, kustomize, require_kubectl
from tests.support.kustomize_trees import repositories
from tests.support.trees import bump

API = "ghcr.io/acme/api"
WEB = "ghcr.io/acme/web"
NEW = "sha256:" + "9" * 64
OLD = "sha256:" + "1" * 64


def parts(image: str) -> tuple[str | None, str | None, str | None]:
    """Name, tag and digest as written: a tagSuffix of kustomize gives texts that are no references."""
    match = re.fullmatch(r"(.*?)(?::([^/@]*))?(?:@(.*))?", image)
    return (normalise(match[1]), match[2], match[3]) if match else (None, None, None)


def built(files: Mapping[str, bytes | str], folder: Path, root: str) -> tuple[dict[str, str], object] | None:
    """The images that kustomize gives, and everything else of the objects; None where it refuses."""
    Files(files).write(folder)
    objects = kustomize(folder, root)
    return None if isinstance(objects, str) else (images(objects), _without_images(objects))


def compared(files: Mapping[str, bytes | str], version: str, folder: Path, root: str) -> Iterator[tuple[str, str]]:
    """Each image before and after a bump. Nothing else of the objects may differ."""
    require_kubectl()
    before = built(files, folder / "before", root)
    if before is None:
        return
    bumped = bump(files, f"{API}{version}", selection=Selection(allow_downgrade=True))
    after = built(bumped.files, folder / "after", root)
    assert after is not None
    assert after[1] == before[1]
    assert after[0].keys() == before[0].keys()
    yield from ((image, after[0][place]) for place, image in before[0].items())


def _without_images(value: object) -> object:
    """Every reference to the image stands for itself (a patch may copy one elsewhere)."""
    if isinstance(value, dict):
        return {key: _without_images(item) for key, item in value.items() if key != "image"}
    if isinstance(value, list):
        return [_without_images(item) for item in value]
    return API if isinstance(value, str) and parts(value)[0] == API else value


def _plainer(data: bytes) -> bytes:
    """Without what makes one image of another: a name as a pattern (`.` is any character), and a rename of ours."""
    data = data.replace(b"ghcr-io", b"quay-io")
    return re.sub(rb"(name: ghcr\.io/acme/api\n +)newName: .*", rb"\1tagSuffix: ''", data)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(files=repositories(), version=st.sampled_from([":9.9.9", f"@{NEW}", f":9.9.9@{NEW}"]))
def test_no_other_image_and_nothing_else_changes(
    files: Files, version: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = Files({path: _plainer(data) for path, data in files.items()})
    wanted = parts(f"{API}{version}")
    for before, after in compared(files, version, tmp_path_factory.mktemp("k"), files["root"].decode()):
        if after != before:
            repository, tag, digest = parts(after)
            assert (parts(before)[0], repository) == (API, API)
            assert (tag or "").removesuffix("-x") in {wanted[1], parts(before)[1] or "", ""}
            assert (digest or "").removesuffix("-x") in {wanted[2], ""}


SHOP: dict[str, str] = {
    "base/kustomization.yaml": "resources: [api.yaml, web.yaml]\n",
    "base/api.yaml": f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api, annotations: {{note: "was {API}:1.9.3"}}}}
spec:
  template:
    spec:
      initContainers:
      - {{name: migrate, image: "{API}:1.9.3"}}
      containers:
      - name: api
        image: {API}:1.9.3   # the api
        args: ["--self={API}:1.9.3"]
      - name: proxy
        image: envoyproxy/envoy:v1.31.0
""",
    "base/web.yaml": f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  template:
    spec:
      containers:
      - name: web
        image: {WEB}:1.9.3
      - name: api
        image: api
""",
    "components/canary/kustomization.yaml": f"""\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
images:
- name: api
  newName: {API}
patches:
- target: {{kind: Deployment, name: api}}
  patch: |-
    - op: add
      path: /spec/template/spec/containers/-
      value: {{name: canary, image: "{API}:1.9.9"}}
""",
    "overlays/production/kustomization.yaml": f"""\
resources: [../../base]
components: [../../components/canary]
images:
- name: {API}
  newTag: 1.9.2
- name: {WEB}
  newTag: 1.9.2
""",
    "overlays/staging/kustomization.yaml": f"""\
resources: [../../base]
images:
- digest: {OLD}
  # pinned
  name: {API}
""",
}


@pytest.mark.parametrize("root", ["base", "overlays/production", "overlays/staging"])
@pytest.mark.parametrize("version", [":1.10.0", f"@{NEW}", f":1.10.0@{NEW}"])
def test_every_environment_of_a_shop_gets_the_version(tmp_path: Path, root: str, version: str) -> None:
    wanted = parts(f"{API}{version}")
    pairs = list(compared(SHOP, version, tmp_path, root))
    assert len(pairs) >= 5
    for before, after in pairs:
        repository, tag, digest = parts(after)
        if parts(before)[0] == API:
            # staging names a digest and no tag; kustomize then shows the digest alone.
            assert (repository, digest) == (API, wanted[2])
            assert tag in {wanted[1] or parts(before)[1], None}
        else:
            assert after == before
