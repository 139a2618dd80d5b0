"""Which Helm releases an edit concerns, and with which values."""

from __future__ import annotations

import json

import pytest

from pipelinegen.manifests.releases import Release, chart_of, find_releases
from pipelinegen.manifests.renderings import Replaced, renderings
from tests.support.kustomize import Files

CHART = {
    "charts/api/Chart.yaml": "name: api\n",
    "charts/api/values.yaml": "image: {tag: 1.0.0}\n",
    "charts/api/values-prod.yaml": "image: {tag: 1.0.0}\n",
    "charts/api/charts/redis/Chart.yaml": "name: redis\n",
    "charts/api/charts/redis/values.yaml": "image: {tag: 7}\n",
    "env/prod/api.yaml": "image: {tag: 1.0.0}\n",
}


def application(source: str, extra: str = "") -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\n"
        f"spec:\n  destination: {{namespace: live}}\n  {source}\n{extra}"
    )


def found(files: dict[str, str], *edited: str) -> tuple[tuple[Release, ...], tuple[str, ...]]:
    return find_releases(Files({**CHART, **files}), edited)


def test_the_chart_of_a_file_is_the_outermost_one() -> None:
    files = Files(CHART)
    assert chart_of(files, "charts/api/charts/redis/values.yaml") == "charts/api"
    assert chart_of(files, "charts/api/templates/deep/x.yaml") == "charts/api"
    assert chart_of(files, "env/prod/api.yaml") is None


@pytest.mark.parametrize(
    ("edited", "values"),
    [
        ("charts/api/values.yaml", ()),
        ("charts/api/Chart.yaml", ()),
        ("charts/api/templates/x.yaml", ()),
        ("charts/api/charts/redis/values.yaml", ()),
        ("charts/api/values-prod.yaml", ("charts/api/values-prod.yaml",)),
    ],
)
def test_a_chart_that_nothing_names(edited: str, values: tuple[str, ...]) -> None:
    assert found({}, edited) == ((Release("charts/api/Chart.yaml", "api", "", "charts/api", values),), ())


@pytest.mark.parametrize(
    ("source", "values", "sets"),
    [
        ("source: {path: charts/api}", (), ()),
        ("source: {path: ./charts/api/, helm: {releaseName: live}}", (), ()),
        ("source: {path: charts/api, helm: {valueFiles: [values-prod.yaml]}}", ("charts/api/values-prod.yaml",), ()),
        ("source: {path: charts/api, helm: {valueFiles: [../../env/prod/api.yaml]}}", ("env/prod/api.yaml",), ()),
        ("source: {path: charts/api, helm: {valueFiles: [/env/prod/api.yaml]}}", ("env/prod/api.yaml",), ()),
        (
            "sources: [{path: charts/api, helm: {valueFiles: [$v/env/prod/api.yaml]}}, {ref: v}]",
            ("env/prod/api.yaml",),
            (),
        ),
        ("source: {path: charts/api, helm: {valueFiles: [../../../outside.yaml]}}", (), ()),
        ('source: {path: charts/api, helm: {values: "a: b"}}', (b"a: b",), ()),
        (
            "source: {path: charts/api, helm: {valuesObject: {a: 1, b: 'x', c: [true, null, '1'], d: 1.10}}}",
            (b'{"a": 1, "b": "x", "c": [true, null, "1"], "d": "1.10"}',),
            (),
        ),
        (
            "source: {path: charts/api, helm: {parameters: [{name: a.b, value: 'x,y'}, {name: c, value: '{1}'}]}}",
            (),
            ("a.b=x\\,y", "c=\\{1\\}"),
        ),
    ],
)
def test_applications(source: str, values: tuple[str | bytes, ...], sets: tuple[str, ...]) -> None:
    name = "live" if "releaseName" in source else "shop"
    expected = Release("apps/shop.yaml", name, "live", "charts/api", values, sets)
    files = {"apps/shop.yaml": application(source)}
    assert found(files, "charts/api/values.yaml") == ((expected,), ())
    assert found(files, "apps/shop.yaml") == ((expected,), ())
    in_values = "env/prod/api.yaml" in expected.files
    assert found(files, "env/prod/api.yaml") == (((expected,), ()) if in_values else ((), ()))


def test_flux_helm_releases() -> None:
    text = (
        "kind: HelmRelease\nmetadata: {name: api, namespace: flux}\nspec:\n  valuesFrom: [{kind: Secret, name: s}]\n"
        "  chart: {spec: {chart: ./charts/api, valuesFiles: [./env/prod/api.yaml], sourceRef: {kind: GitRepository}}}\n"
        "  values: {image: {tag: v1}}\n"
    )
    (release,), notes = found({"flux.yaml": text}, "flux.yaml")
    assert release[:5] == ("flux.yaml", "api", "flux", "charts/api", ("env/prod/api.yaml", b'{"image": {"tag": "v1"}}'))
    assert notes == ("flux.yaml (api): rendered without its `valuesFrom`",)
    (release,), _ = found(
        {"flux.yaml": text.replace("spec:\n", "spec:\n  targetNamespace: live\n  releaseName: x\n", 1)}, "flux.yaml"
    )
    assert (release.name, release.namespace) == ("x", "live")


def test_helmfiles() -> None:
    text = (
        "releases:\n- {name: a, namespace: n, chart: ../charts/api, values: [../env/prod/api.yaml, {b: 1}]}\n"
        "- {name: remote, chart: bitnami/redis, values: [../env/prod/api.yaml]}\n- {name: other, chart: ./gone}\n"
    )
    releases, notes = found({"edge/helmfile.prod.yaml": text}, "env/prod/api.yaml")
    values = ("env/prod/api.yaml", b'{"b": 1}')
    assert releases == (Release("edge/helmfile.prod.yaml", "a", "n", "charts/api", values),)
    assert notes == ("edge/helmfile.prod.yaml (remote) is not rendered: its chart is not in the repository",)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (application("source: {chart: api, repoURL: 'https://charts', helm: {values: 'a: b'}}"), True),
        (application("source: {path: overlays/prod}"), False),
        (application("source: {path: overlays/prod, kustomize: {images: ['x=y:1']}}"), False),
        (application("source: 1"), False),
        (application("sources: [1, null]"), False),
        (
            "kind: HelmRelease\nspec: {chart: {spec: {chart: a, sourceRef: {kind: OCIRepository}}}}",
            True,
        ),
        ("kind: HelmRelease\n", True),
        ("kind: ConfigMap\ndata: {x: 'Application'}\n", False),
        ("kind: [Application\n", False),
    ],
)
def test_charts_from_elsewhere_and_what_is_no_release(text: str, note: bool) -> None:
    releases, notes = found({"x.yaml": text}, "x.yaml")
    assert releases == ()
    assert [line.split(" (")[0] for line in notes] == (["x.yaml"] if note else [])


def test_what_is_needed_to_render() -> None:
    files = Files(
        {
            **CHART,
            "apps/shop.yaml": application(
                "source: {path: charts/api, helm: {valueFiles: [/env/prod/api.yaml, gone.yaml]}}"
            ),
            "base/kustomization.yaml": "resources: [x.yaml]\nconfigMapGenerator: [{name: c, files: [c.txt]}]\n",
            **{f"base/{name}": "x" for name in ("x.yaml", "c.txt", "unused.yaml")},
            "over/kustomization.yaml": "resources: [../base]\nopenapi: {path: schema.json}\n",
            "over/schema.json": "{}",
            "other/kustomization.yaml": "resources: [https://example.com/x]\ncomponents: [../base]\n",
        }
    )
    made = renderings(files, ["base/x.yaml", "charts/api/values.yaml"])
    assert made.roots == ("over/kustomization.yaml",)
    assert [release.named_in for release in made.releases] == ["apps/shop.yaml"]
    assert set(made.files) == {
        *(path for path in CHART if path.startswith("charts/")),
        *("env/prod/api.yaml", "base/kustomization.yaml", "base/x.yaml", "base/c.txt"),
        *("over/kustomization.yaml", "over/schema.json"),
    }
    assert [note.partition(":")[0] for note in made.notes] == ["other/kustomization.yaml is not rendered"]


def test_a_tree_with_other_bytes() -> None:
    tree = Replaced(Files({"a": "old", "b": "same old", "c": "else"}), {"a": b"new", "c": b"old too"})
    assert tree.paths() == ["a", "b", "c"]
    assert [tree.read(path) for path in tree.paths()] == [b"new", b"same old", b"old too"]
    assert tree.search([[b"old"], [b"new", b"same"], [b"else"]]) == [["b", "c"], ["a", "b"], []]


def test_values_are_json_that_helm_reads_as_the_same() -> None:
    (release,), _ = found(
        {"apps/x.yaml": application('source: {path: charts/api, helm: {valuesObject: {"a\\"b": "ü\\n"}}}')},
        "apps/x.yaml",
    )
    assert json.loads(release.values[0]) == {'a"b': "ü\n"}
