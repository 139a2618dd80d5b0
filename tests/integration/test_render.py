"""`--render` on real kustomize and, where it is installed, real helm."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelinegen.edge import render as rendering
from pipelinegen.edge.render import Rendered, materialise, render, show_effect
from pipelinegen.errors import InputError
from pipelinegen.manifests.releases import Release
from pipelinegen.manifests.tree import Unreadable
from tests.support.kustomize import Files, require_kubectl

API = "ghcr.io/acme/api"
DEPLOYMENT = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api}}
spec:
  template:
    spec:
      containers:
      - name: side
        image: side:1
      - name: api
        image: {API}:1.0.0
"""
BASE = "shop/base/deployment.yaml"
STAGING, PRODUCTION = (f"shop/overlays/{name}/kustomization.yaml" for name in ("staging", "production"))


def shop(**fields: str) -> Files:
    return Files(
        {
            "shop/base/kustomization.yaml": "resources: [deployment.yaml]\n",
            BASE: DEPLOYMENT,
            STAGING: "resources: [../../base]\nnamespace: staging\n" + fields.get("staging", ""),
            PRODUCTION: "resources: [../../base]\nnamespace: shop\n" + fields.get("production", ""),
        }
    )


def bumped(files: Files, path: str = BASE) -> dict[str, bytes]:
    return {path: files[path].replace(b"1.0.0", b"1.1.0")}


def shown(rendered: Rendered) -> list[str]:
    return [f"{change.source}: {change}" for change in rendered.changes]


def test_the_fields_that_change_in_every_environment() -> None:
    require_kubectl()
    files = shop()
    found = show_effect(files, bumped(files))
    change = f"spec.template.spec.containers[api].image: {API}:1.0.0 -> {API}:1.1.0"
    assert shown(found) == [
        f"{PRODUCTION}: Deployment shop/api {change}",
        f"{STAGING}: Deployment staging/api {change}",
    ]
    assert found.notes == ()
    assert shown(show_effect(files, bumped(files), [PRODUCTION])) == [f"{PRODUCTION}: Deployment shop/api {change}"]


def test_an_edit_that_an_overlay_overrides_changes_nothing() -> None:
    require_kubectl()
    files = shop(
        production=f"images: [{{name: {API}, newTag: v0}}]\n", staging=f"images: [{{name: {API}, newTag: v0}}]\n"
    )
    assert show_effect(files, bumped(files)) == Rendered((), ())


def test_objects_that_come_and_go_and_secrets_that_are_not_shown() -> None:
    require_kubectl()
    files = shop()
    generator = (
        b"secretGenerator:\n- name: s\n  literals: [password=hunter2]\n  options: {disableNameSuffixHash: true}\n"
    )
    files[PRODUCTION] += generator
    new = {
        PRODUCTION: files[PRODUCTION].replace(b"hunter2", b"swordfish"),
        "shop/base/kustomization.yaml": b"resources: [other.yaml]\n",
    }
    files["shop/base/other.yaml"] = DEPLOYMENT.replace("name: api}", "name: other}").encode()
    found = show_effect(files, new, [PRODUCTION])
    assert {str(change) for change in found.changes} == {
        "Secret shop/s data.password: *** -> ***",
        "Deployment shop/api: removed",
        "Deployment shop/other: added",
    }
    assert "swordfish" not in repr(found)


@pytest.mark.parametrize(
    ("production", "note"),
    [
        pytest.param(
            "components: ['https://127.0.0.1:1/x?ref=v1']\n",
            f"{PRODUCTION} is not rendered: {PRODUCTION}:3:14 names https://127.0.0.1:1/x?ref=v1, which",
            id="an address",
        ),
        pytest.param(
            "components: [github.com/acme/x]\n",
            f"{PRODUCTION} is not rendered: {PRODUCTION}:3:14 names github.com/acme/x, which would be fetched",
            id="an address that is also a folder",
        ),
        pytest.param(
            "components: [../gone]\n",
            f"{PRODUCTION} is not rendered: {PRODUCTION}:3:14: ../gone is not in the repository",
            id="a folder that is missing",
        ),
        pytest.param(
            "unknown: field\n", f"{PRODUCTION} cannot be rendered: kubectl says: invalid Kustomization: ", id="unknown"
        ),
        pytest.param(
            "helmCharts: [{name: x, repo: 'https://127.0.0.1:1'}]\n",
            f"{PRODUCTION} cannot be rendered: kubectl says: trouble configuring builtin HelmChart",
            id="a chart from elsewhere",
        ),
    ],
)
def test_what_cannot_be_rendered_is_told_and_the_rest_is_shown(production: str, note: str) -> None:
    require_kubectl()
    files = shop(production=production)
    files["shop/overlays/production/github.com/acme/x/kustomization.yaml"] = b"kind: Component\n"
    found = show_effect(files, bumped(files))
    assert [change.source for change in found.changes] == [STAGING]
    (told,) = found.notes
    assert told.startswith(note), told
    assert "/before" not in told
    assert "/after" not in told


def test_a_change_that_breaks_the_build_is_told() -> None:
    require_kubectl()
    files = shop()
    (note,) = show_effect(files, {PRODUCTION: files[PRODUCTION] + b"patches: [{patch: 'a: b'}]\n"}, [PRODUCTION]).notes
    assert note.startswith(f"{PRODUCTION} can no longer be rendered: kubectl says: ")
    files[PRODUCTION] = b"resources: 1\n"
    (note,) = show_effect(files, {PRODUCTION: b"resources: [../../base]\n"}, [PRODUCTION]).notes
    assert note.startswith(f"{PRODUCTION} cannot be rendered before the change: kubectl says: ")


def test_many_environments_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    require_kubectl()
    monkeypatch.setattr("pipelinegen.manifests.renderings.MAX_ROOTS", 1)
    monkeypatch.setattr(rendering, "MAX_CHANGES", 1)
    files = shop()
    files[BASE] += DEPLOYMENT.replace("name: api}", "name: two}").join(("---\n", "")).encode()
    found = show_effect(files, bumped(files))
    assert [change.source for change in found.changes] == [PRODUCTION]
    assert found.notes == ("1 more kustomizations are not rendered", "1 more fields change")


def test_without_the_programs_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    files = shop()
    assert show_effect(files, bumped(files)) == Rendered(
        (), ("the effect is not rendered: neither kustomize nor kubectl is installed",)
    )
    chart = Files({"chart/Chart.yaml": "name: x\n", "chart/values.yaml": "tag: 1.0.0\n"})
    assert show_effect(chart, bumped(chart, "chart/values.yaml")).notes == (
        "the effect on Helm releases is not rendered: helm is not installed",
    )


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A `kustomize` of the given script, first on PATH."""

    def install(script: str) -> Path:
        program = tmp_path / "bin" / "kustomize"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return tmp_path

    return install


def test_a_program_sees_no_secret_no_home_and_no_network(
    recorder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = recorder('env > "$(dirname "$0")/env"; echo "$@" > "$(dirname "$0")/argv"; echo "kind: X"')
    monkeypatch.setenv("PIPELINEGEN_TOKEN", "canary-token")
    monkeypatch.setenv("KUBECONFIG", "/secret/kubeconfig")
    files = shop()
    assert show_effect(files, bumped(files), [PRODUCTION]) == Rendered((), ())
    seen = dict(line.split("=", 1) for line in (folder / "bin/env").read_text().splitlines())
    assert "canary-token" not in seen.values()
    assert seen["KUBECONFIG"] == os.devnull
    assert seen["HOME"] != os.environ["HOME"]
    assert {seen[name] for name in ("http_proxy", "https_proxy", "HTTPS_PROXY")} == {"http://127.0.0.1:9"}
    assert seen["GIT_ALLOW_PROTOCOL"] == "none"
    words = (folder / "bin/argv").read_text().split()
    assert (words[0], words[1].rpartition("/after/")[2]) == ("build", "shop/overlays/production")
    assert not Path(seen["HOME"]).exists()


@pytest.mark.parametrize(
    ("script", "limit", "note"),
    [
        ("sleep 60", ("TIMEOUT", 0.3), "cannot be rendered: kustomize did not finish in time and was ended"),
        ("yes", ("OUTPUT_LIMIT", 1000), "cannot be rendered: kustomize wrote more than"),
        ("echo 'a: [' ; date +%N", ("TIMEOUT", 60), "is rendered to something that cannot be read: not YAML"),
        ("exit 3", ("TIMEOUT", 60), "cannot be rendered: kustomize says: exit code 3"),
    ],
)
def test_a_program_that_misbehaves(
    recorder: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    limit: tuple[str, float],
    note: str,
) -> None:
    recorder(script)
    monkeypatch.setattr(rendering, *limit)
    files = shop()
    (told,) = show_effect(files, bumped(files), [PRODUCTION]).notes
    assert told.removeprefix(f"{PRODUCTION} ").startswith(note), told


def test_only_regular_files_inside_are_written(tmp_path: Path) -> None:
    class Odd(Files):
        def read(self, path: str) -> bytes:
            if path == "link":
                raise Unreadable("a link")
            return super().read(path)

    files = Odd({"a/b.yaml": "x: 1\n", "link": "", "c": "y\n"})
    materialise(files, ["a/b.yaml", "link", "gone", "c"], tmp_path / "out", {"c": b"z\n"})
    written = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("*") if path.is_file()}
    assert {name: path.read_bytes() for name, path in written.items()} == {"out/a/b.yaml": b"x: 1\n", "out/c": b"z\n"}
    assert {path.stat().st_mode & 0o777 for path in written.values()} == {0o600}
    with pytest.raises(FileExistsError):
        materialise(files, [], tmp_path / "out")


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a//b", "./a", "", "a/\0"])
def test_no_path_leaves_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError):
        materialise(Files({path: "x"}), [path], tmp_path / "out")
    assert not [found for found in tmp_path.rglob("*") if found.is_file()]


def require_helm() -> None:
    if shutil.which("helm") is None:
        pytest.skip("helm is not installed")


CHART = {
    "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 0.1.0\n",
    "charts/api/values.yaml": f"image: {{repository: {API}, tag: 1.0.0}}\nreplicas: 1\n",
    "charts/api/values-production.yaml": "image: {tag: 1.0.0}\n",
    "charts/api/templates/deployment.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\n"
        "metadata: {name: '{{ .Release.Name }}', namespace: '{{ .Release.Namespace }}'}\n"
        "spec:\n  replicas: {{ .Values.replicas }}\n  template: {spec: {containers: [{name: api,\n"
        "    image: '{{ .Values.image.repository }}:{{ .Values.image.tag }}'}]}}\n"
    ),
}
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop-api}
spec:
  destination: {namespace: shop}
  source:
    path: charts/api
    helm:
      valueFiles: [values-production.yaml]
      values: |
        replicas: 2
      parameters:
      - {name: "note", value: "a,b"}
"""
IMAGE = f"spec.template.spec.containers[api].image: {API}:1.0.0 -> {API}:1.1.0"


def test_the_releases_of_a_chart() -> None:
    require_helm()
    files = Files({**CHART, "apps/shop.yaml": APPLICATION})
    found = show_effect(files, bumped(files, "charts/api/values-production.yaml"))
    assert shown(found) == [f"apps/shop.yaml (shop-api): Deployment shop/shop-api {IMAGE}"]
    assert found.notes == ()
    # Its default value is overridden by the file of the environment.
    assert show_effect(files, bumped(files, "charts/api/values.yaml")) == Rendered((), ())
    edited = {"apps/shop.yaml": APPLICATION.replace("replicas: 2", "replicas: 3").encode()}
    assert shown(show_effect(files, edited)) == [
        "apps/shop.yaml (shop-api): Deployment shop/shop-api spec.replicas: 2 -> 3"
    ]


def test_a_chart_that_nothing_names_is_rendered_by_itself() -> None:
    require_helm()
    files = Files(CHART)
    found = show_effect(files, bumped(files, "charts/api/values.yaml"))
    assert shown(found) == [f"charts/api/Chart.yaml (api): Deployment default/api {IMAGE}"]


def test_flux_and_helmfile() -> None:
    require_helm()
    release = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: api, namespace: flux}\n"
        "spec:\n  targetNamespace: shop\n"
        "  chart: {spec: {chart: ./charts/api, sourceRef: {kind: GitRepository, name: x}}}\n"
        "  values: {image: {tag: 1.0.0}, replicas: 4}\n"
    )
    helmfile = (
        "releases:\n- name: api\n  namespace: edge\n  chart: ../charts/api\n"
        "  values: [../charts/api/values-production.yaml, {replicas: 5}]\n"
    )
    files = Files({**CHART, "flux/api.yaml": release, "edge/helmfile.yaml": helmfile})
    edits = bumped(files, "flux/api.yaml") | bumped(files, "charts/api/values-production.yaml")
    assert sorted(shown(show_effect(files, edits))) == [
        f"edge/helmfile.yaml (api): Deployment edge/api {IMAGE}",
        f"flux/api.yaml (api): Deployment shop/api {IMAGE}",
    ]


def test_helm_s_words_are_told() -> None:
    require_helm()
    files = Files(CHART)
    files["charts/api/templates/bad.yaml"] = b"{{ fail .Values.image.tag }}\n"
    (note,) = show_effect(files, bumped(files, "charts/api/values.yaml")).notes
    assert note.startswith("charts/api/Chart.yaml (api) cannot be rendered: helm says: ")
    assert "1.1.0" in note


def test_no_file_outside_is_taken_for_values(tmp_path: Path) -> None:
    require_helm()
    secret = tmp_path / "secret.yaml"
    secret.write_text("image: {tag: stolen}\n")
    for place in ("before", "after"):
        Files({**CHART, f"x,{secret}": "a: b\n"}).write(tmp_path / place)
    release = Release("x", "x", "", "charts/api", (f"x,{secret}",))
    found = render(tmp_path / "before", tmp_path / "after", [], [release])
    assert found.changes == ()
    assert "has a comma in its name" in found.notes[0]
