"""What a kustomization names and reaches, for whole, odd and broken ones."""

from __future__ import annotations

import pytest

from pipelinegen.manifests.kustomize.layout import Layout, closure, includers, load_kustomization
from tests.support.kustomize import Files

PATH = "apps/shop/overlays/production/kustomization.yaml"
FOLDER = "apps/shop/overlays/production"

WHOLE = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namePrefix: prod-
nameSuffix: -v1
namespace: shop
resources:
- ../../base
- ingress.yaml
- https://github.com/acme/infra//base?ref=v1
- git@github.com:acme/infra.git
- github.com/acme/infra?ref=main
- gone.yaml
- /etc/passwd
- ../../../../../outside.yaml
bases:
- ../shared/
components:
- ./../../components/metrics
patchesStrategicMerge:
- old.yaml
- |-
  kind: Deployment
  metadata: {name: api}
patches:
- path: patch.yaml
  target: {kind: Deployment}
- patch: |
    - op: remove
      path: /spec/replicas
  target: {name: api}
  options: {allowNameChange: true}
patchesJson6902:
- path: ops.json
  target: {version: v1, kind: Service, name: api}
images:
- name: api
  newName: ghcr.io/acme/api
  newTag: "1.10"
- name: web
  digest: sha256:abc
- newTag: nameless
- name: ""
- a string
imageTags:
- name: legacy
  newTag: v1
configMapGenerator:
- name: values
  files: [values.yaml, renamed=app.properties]
  envs: [one.env]
helmCharts:
- name: redis
  valuesFile: redis.yaml
  additionalValuesFiles: [more.yaml]
configurations: [names.yaml]
"""

FILES = {
    PATH: WHOLE,
    "apps/shop/base/kustomization.yml": "resources: [deployment.yaml]\n",
    "apps/shop/base/deployment.yaml": "kind: Deployment\nmetadata: {name: api}\n",
    "apps/shop/overlays/shared/Kustomization": "resources: []\nnamePrefix: x\n",
    "apps/shop/components/metrics/kustomization.yaml": "kind: Component\npatches: [{path: side.yaml}]\n",
    "apps/shop/components/metrics/side.yaml": "kind: Deployment\n",
    **{
        f"{FOLDER}/{name}": "kind: X\n"
        for name in (
            *("ingress.yaml", "old.yaml", "patch.yaml", "ops.json", "values.yaml", "app.properties", "one.env"),
            *("redis.yaml", "more.yaml", "names.yaml", "charts/redis/Chart.yaml", "charts/redis/templates/x.yaml"),
        )
    },
}


def test_everything_that_a_kustomization_names() -> None:
    found = load_kustomization(Files(FILES), PATH)
    assert found is not None
    assert (found.kind, found.prefix, found.suffix, found.namespace) == ("Kustomization", "prod-", "-v1", "shop")
    assert [(item.entry, item.what) for item in found.resources] == [
        ("../../base", "kustomization"),
        ("ingress.yaml", "file"),
        ("https://github.com/acme/infra//base?ref=v1", "remote"),
        ("git@github.com:acme/infra.git", "remote"),
        ("github.com/acme/infra?ref=main", "remote"),
        ("gone.yaml", "missing"),
        ("/etc/passwd", "missing"),
        ("../../../../../outside.yaml", "missing"),
        ("../shared/", "kustomization"),
    ]
    assert found.included == (
        "apps/shop/base/kustomization.yml",
        "apps/shop/overlays/shared/Kustomization",
        "apps/shop/components/metrics/kustomization.yaml",
    )
    assert [(p.field, p.inclusion and p.inclusion.path, p.inline is not None, p.renames) for p in found.patches] == [
        ("strategic", f"{FOLDER}/old.yaml", False, False),
        ("strategic", None, True, False),
        ("patches", f"{FOLDER}/patch.yaml", False, False),
        ("patches", None, True, True),
        ("patchesJson6902", f"{FOLDER}/ops.json", False, False),
    ]
    assert found.images == (
        ("api", "ghcr.io/acme/api", "1.10", None, None),
        ("web", None, None, "sha256:abc", None),
        ("legacy", None, "v1", None, None),
    )
    assert str(found.images[0].new_tag.at if found.images[0].new_tag else None) == f"{PATH}:38:11"
    assert {item.path.removeprefix(f"{FOLDER}/") for item in found.others} == {
        *("values.yaml", "app.properties", "one.env", "redis.yaml", "more.yaml", "names.yaml")
    }
    assert found.charts == (f"{FOLDER}/charts/redis",)
    assert [problem.reason.split()[0] for problem in found.unfollowed] == ["`helmCharts`"]
    assert found.remote == tuple(item.entry for item in found.resources if item.what == "remote")


def test_the_closure_says_by_which_kustomizations_a_file_is_reached() -> None:
    found = closure(Files(FILES), PATH)
    base, component = "apps/shop/base/kustomization.yml", "apps/shop/components/metrics/kustomization.yaml"
    assert found.kustomizations == {
        PATH: (),
        base: (PATH,),
        "apps/shop/overlays/shared/Kustomization": (PATH,),
        component: (PATH,),
    }
    assert found.files["apps/shop/base/deployment.yaml"] == (PATH, base)
    assert found.files["apps/shop/components/metrics/side.yaml"] == (PATH, component)
    assert found.files[f"{FOLDER}/charts/redis/templates/x.yaml"] == (PATH,)
    assert set(found.files) == set(FILES) - set(found.kustomizations)
    assert len(found.remote) == 3
    assert [str(problem) for problem in found.problems] == [
        f"{PATH}:12:3: gone.yaml is not in the repository",
        f"{PATH}:13:3: /etc/passwd is not in the repository",
        f"{PATH}:14:3: ../../../../../outside.yaml is not in the repository",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "an empty kustomization", id="empty"),
        pytest.param("# nothing\n", "an empty kustomization", id="only a comment"),
        pytest.param("[a, b]\n", "not a mapping, as a kustomization must be", id="list"),
        pytest.param("just words\n", "not a mapping, as a kustomization must be", id="scalar"),
        pytest.param("resources: [a\n", "not YAML", id="unclosed"),
        pytest.param("\tresources:\n", "not YAML", id="tab"),
        pytest.param("resources: [{{ .Values.x }}]\n{{ end }}\n", "a template, not YAML", id="template"),
        pytest.param("kind: ConfigMap\n", "of kind ConfigMap, not Kustomization or Component", id="other kind"),
        pytest.param("a: *b\n", "the alias *b has no anchor before it", id="alias without anchor"),
        pytest.param("a: &a [*a]\n", "the alias *a has no anchor before it", id="alias of itself"),
        pytest.param(b"\xff\xfea\x00", "not UTF-8", id="utf-16"),
        pytest.param("a: b\rc: d\n", "holds a lone CR", id="lone CR"),
        pytest.param("<<<<<<< HEAD\na: b\n", "holds the marks of an unresolved merge conflict", id="conflict"),
    ],
)
def test_a_kustomization_that_cannot_be_read_is_a_problem_and_no_exception(text: str | bytes, reason: str) -> None:
    found = load_kustomization(Files({PATH: text}), PATH)
    assert found is not None
    assert not found.inclusions
    assert [problem.reason for problem in found.problems if problem.reason.startswith(reason)], found.problems
    assert closure(Files({PATH: text}), PATH).problems == found.problems


def test_aliases_that_stand_for_millions_of_values_are_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    found = load_kustomization(Files({PATH: "\n".join(lines)}), PATH)
    assert found is not None
    assert found.problems[0].reason == "more than 200,000 values once its aliases are followed"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("resources: null\nimages:\npatches: ~\n", id="nulls"),
        pytest.param("resources: a string\nimages: {name: x}\npatches: [text, 1, null, [a]]\n", id="wrong types"),
        pytest.param("resources: [[a], {b: c}, null]\ncomponents: 1\n", id="wrong items"),
        pytest.param("patches: [{target: x, path: [a], patch: {b: c}}]\n", id="wrong fields of a patch"),
        pytest.param("images: [{name: [a]}, {name: {b: c}}]\nhelmCharts: [x]\n", id="wrong fields of an image"),
        pytest.param("? [complex, key]\n: value\n", id="complex key"),
        pytest.param("unknown: {a: [b]}\n", id="unknown field"),
    ],
)
def test_fields_of_a_wrong_type_say_nothing(text: str) -> None:
    found = load_kustomization(Files({PATH: text}), PATH)
    assert found is not None
    assert (found.inclusions, found.images, found.problems) == ((), (), ())


def test_no_such_kustomization() -> None:
    assert load_kustomization(Files({}), PATH) is None
    assert [str(problem) for problem in closure(Files({}), PATH).problems] == [
        f"{PATH}:1:1: there is no such kustomization"
    ]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        pytest.param({"a/kustomization.yaml": "resources: [.]\n"}, "a/kustomization.yaml:1:13", id="itself"),
        pytest.param(
            {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"},
            "b/kustomization.yaml:1:13",
            id="each other",
        ),
        pytest.param(
            {"a/kustomization.yaml": "resources: [..]\n", "kustomization.yaml": "components: [a]\n"},
            "kustomization.yaml:1:14",
            id="the folder above",
        ),
    ],
)
def test_cycles_end_and_are_told(files: dict[str, str], problem: str) -> None:
    found = closure(Files(files), "a/kustomization.yaml")
    assert [str(item.at) for item in found.problems] == [problem]
    assert set(found.kustomizations) == set(files)


def test_a_chain_without_end_is_cut() -> None:
    files = {f"k{n}/kustomization.yaml": f"resources: [../k{n + 1}]\n" for n in range(200)}
    found = closure(Files({**files, "k200/kustomization.yaml": "namePrefix: x\n"}), "k0/kustomization.yaml")
    assert len(found.kustomizations) == 65
    assert "included over more than 64 steps" in found.problems[0].reason


def test_a_kustomization_that_is_included_on_two_ways_is_walked_once() -> None:
    files = Files(
        {
            "top/kustomization.yaml": "resources: [../a, ../b]\n",
            "a/kustomization.yaml": "resources: [../base]\n",
            "b/kustomization.yaml": "resources: [../base]\n",
            "base/kustomization.yaml": "resources: [x.yaml]\n",
            "base/x.yaml": "kind: X\n",
        }
    )
    found = closure(files, "top/kustomization.yaml")
    assert found.files == {"base/x.yaml": ("top/kustomization.yaml", "a/kustomization.yaml", "base/kustomization.yaml")}
    assert sorted(files.reads) == sorted(path for path in files if path != "base/x.yaml")


def test_merge_keys_and_aliases_are_followed() -> None:
    text = """\
x: &x {name: api, newTag: v1}
images:
- <<: *x
  newTag: v2
- *x
- <<: [*x, {digest: sha256:abc}]
  name: web
"""
    found = load_kustomization(Files({PATH: text}), PATH)
    assert found is not None
    assert [tuple(entry) for entry in found.images] == [
        ("api", None, "v2", None, None),
        ("api", None, "v1", None, None),
        ("web", None, "v1", "sha256:abc", None),
    ]


def test_who_includes_a_file_is_found_by_one_search() -> None:
    files = Files(
        {
            "apps/a/base/kustomization.yaml": "resources: [deployment.yaml]\n",
            "apps/a/base/deployment.yaml": "kind: Deployment\n",
            "apps/a/base/unused.yaml": "kind: Deployment\n",
            "apps/a/overlays/x/kustomization.yaml": "resources:\n- ../../base\n",
            "apps/a/overlays/y/kustomization.yaml": 'resources: ["./../../../a//base/"]\n',
            "apps/b/base/kustomization.yaml": "resources: [deployment.yaml]\n",
            "apps/b/base/deployment.yaml": "kind: Deployment\n",
            "apps/b/overlays/x/kustomization.yaml": "resources: [../../base]\n# ../../../a/base\n",
            "apps/b/overlays/y/notes.yaml": "text: ../../../a/base\n",
            "other/kustomization.yaml": "resources: [../apps/a/base/unused.yaml]\n",
        }
    )
    paths = ["apps/a/base/deployment.yaml", "apps/a/base/kustomization.yaml", "apps/a/base/unused.yaml"]
    assert includers(files, paths) == {
        paths[0]: ["apps/a/base/kustomization.yaml"],
        paths[1]: ["apps/a/overlays/x/kustomization.yaml", "apps/a/overlays/y/kustomization.yaml"],
        paths[2]: ["other/kustomization.yaml"],
    }
    assert files.searches == 1


def test_a_layout_reads_each_file_once() -> None:
    files = Files(FILES)
    layout = Layout(files)
    for _ in range(3):
        closure(layout, PATH)
    assert len(files.reads) == len(set(files.reads))
    assert (layout.read(PATH), layout.search([[b"gone.yaml"]])) == (WHOLE.encode(), [[PATH]])
