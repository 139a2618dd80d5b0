"""Values files that hold only the tag: the values that name the repository are beside them, or named with them."""

from __future__ import annotations

import pytest

from tests.support.trees import Memory, bump

TAG = "ghcr.io/acme/api:2.0.0"
NAMING = "image:\n  repository: ghcr.io/acme/api\n  tag: 1.0.0\n"
WEB = NAMING.replace("api", "web")
ONLY_TAG = "replicas: 2\nimage:\n  tag: 1.0.0 # here\n"
APPLICATION = """\
kind: Application
spec:
  source:
    path: charts/api
    helm:
      valueFiles: {files}
"""


def changed(files: dict[str, str], *references: str) -> set[str]:
    """The files in which every 1.0.0 became 2.0.0; nothing else may have changed."""
    bumped = bump(dict(files), *(references or (TAG,)))
    found = {path for path, before in files.items() if bumped.text(path) != before}
    assert all(bumped.text(path) == files[path].replace("1.0.0", "2.0.0") for path in found)
    return found


# files, and those that change
FOLDERS = {
    "beside": ({"c/values.yaml": NAMING, "c/values-prod.yaml": ONLY_TAG}, {"c/values.yaml", "c/values-prod.yaml"}),
    "at the root": ({"values.yaml": NAMING, "prod.yml": ONLY_TAG}, {"values.yaml", "prod.yml"}),
    "the name without a tag": (
        {"c/values.yaml": "image:\n  repository: ghcr.io/acme/api\n", "c/prod.yaml": ONLY_TAG},
        {"c/prod.yaml"},
    ),
    "imageTag": (
        {"c/values.yaml": "image: ghcr.io/acme/api\nimageTag: 1.0.0\n", "c/prod.yaml": "imageTag: 1.0.0\n"},
        {"c/values.yaml", "c/prod.yaml"},
    ),
    "with a prefix": (
        {
            "c/values.yaml": "apiRepository: ghcr.io/acme/api\n",
            "c/prod.yaml": "apiTag: 1.0.0\nwebTag: 1\n",
        },
        {"c/prod.yaml"},
    ),
    "registry apart": (
        {"c/values.yaml": "image: {registry: ghcr.io, repository: acme/api}\n", "c/prod.yaml": ONLY_TAG},
        {"c/prod.yaml"},
    ),
    "repository by an alias": (
        {"c/values.yaml": "r: &r ghcr.io/acme/api\nimage: {repository: *r}\n", "c/prod.yaml": ONLY_TAG},
        {"c/prod.yaml"},
    ),
    "deeper": (
        {
            "c/values.yaml": "a: {b: {image: {repository: ghcr.io/acme/api}}}\n",
            "c/prod.yaml": "a: {b: {image: {tag: 1.0.0}}}\n",
        },
        {"c/prod.yaml"},
    ),
    "another path": (
        {"c/values.yaml": f"api:\n  {NAMING.replace(chr(10), chr(10) + '  ')}", "c/prod.yaml": ONLY_TAG},
        {"c/values.yaml"},
    ),
    "another folder": ({"c/values.yaml": NAMING, "d/prod.yaml": ONLY_TAG}, {"c/values.yaml"}),
    "a folder below": ({"c/values.yaml": NAMING, "c/env/prod.yaml": ONLY_TAG}, {"c/values.yaml"}),
    "a folder with the same beginning": ({"c/values.yaml": NAMING, "c2/prod.yaml": ONLY_TAG}, {"c/values.yaml"}),
    "an object is no values file": (
        {"c/values.yaml": NAMING, "c/x.yaml": f"kind: Thing\n{ONLY_TAG}", "c/k.yaml": f"resources: []\n{ONLY_TAG}"},
        {"c/values.yaml"},
    ),
    "another kind of file": ({"c/values.yaml": NAMING, "c/values.txt": ONLY_TAG}, {"c/values.yaml"}),
    "names another image": ({"c/values.yaml": NAMING, "c/other.yaml": WEB}, {"c/values.yaml"}),
    "an object names the image": (
        {
            "c/app.yaml": "kind: Deployment\nspec:\n  image:\n    repository: ghcr.io/acme/api\n",
            "c/prod.yaml": f"spec:\n  {ONLY_TAG.replace(chr(10), chr(10) + '  ')}",
        },
        set(),
    ),
    "two images at one path: which one is meant is not known": (
        {"c/api.yaml": NAMING, "c/web.yaml": WEB, "c/api-prod.yaml": ONLY_TAG},
        {"c/api.yaml"},
    ),
}


@pytest.mark.parametrize(("files", "wanted"), FOLDERS.values(), ids=FOLDERS)
def test_values_files_of_one_folder_belong_together(files: dict[str, str], wanted: set[str]) -> None:
    assert changed(files) == wanted


def test_two_images_at_one_path_are_said() -> None:
    bumped = bump({"c/api.yaml": NAMING, "c/web.yaml": WEB, "c/prod.yaml": ONLY_TAG}, TAG)
    reason = "the values beside it name different repositories here: ghcr.io/acme/api, ghcr.io/acme/web"
    assert bumped.warnings == [f"c/prod.yaml:3:8: {reason}"]


LINKS = {
    "Application": (
        {
            "charts/api/values.yaml": NAMING,
            "envs/prod.yaml": ONLY_TAG,
            "app.yaml": APPLICATION.format(files="[../../envs/prod.yaml]"),
        },
        {"charts/api/values.yaml", "envs/prod.yaml"},
    ),
    "Application, from the root": (
        {
            "charts/api/values.yaml": NAMING,
            "envs/prod.yaml": ONLY_TAG,
            "app.yaml": APPLICATION.format(files="[/envs/prod.yaml]"),
        },
        {"charts/api/values.yaml", "envs/prod.yaml"},
    ),
    "Application, folders below the chart": (
        {
            "charts/api/values.yaml": NAMING,
            "charts/api/env/prod.yaml": ONLY_TAG,
            "app.yaml": APPLICATION.format(files="[env/prod.yaml]"),
        },
        {"charts/api/values.yaml", "charts/api/env/prod.yaml"},
    ),
    "Application, several sources": (
        {
            "base/api.yaml": NAMING,
            "envs/prod.yaml": ONLY_TAG,
            "app.yaml": "kind: Application\nspec:\n  sources:\n  - chart: api\n    repoURL: https://charts.example\n"
            "    helm:\n      valueFiles:\n      - $values/base/api.yaml\n      - $values/envs/prod.yaml\n"
            "  - ref: values\n    repoURL: https://git.example\n",
        },
        {"base/api.yaml", "envs/prod.yaml"},
    ),
    "Application, values inside": (
        {
            "charts/api/values.yaml": NAMING,
            "app.yaml": APPLICATION.format(files="[values.yaml]")
            + "      valuesObject:\n        image:\n          tag: 1.0.0\n",
        },
        {"charts/api/values.yaml", "app.yaml"},
    ),
    "Application, values inside a block": (
        {
            "charts/api/values.yaml": NAMING,
            "app.yaml": APPLICATION.format(files="[values.yaml]")
            + "      values: |\n        image:\n          tag: 1.0.0\n",
        },
        {"charts/api/values.yaml", "app.yaml"},
    ),
    "two Applications, each with its own": (
        {
            "charts/api/values.yaml": NAMING,
            "charts/web/values.yaml": WEB,
            "envs/api.yaml": ONLY_TAG,
            "envs/web.yaml": ONLY_TAG,
            "app.yaml": APPLICATION.format(files="[../../envs/api.yaml]")
            + "---\n"
            + APPLICATION.format(files="[../../envs/web.yaml]").replace("charts/api", "charts/web"),
        },
        {"charts/api/values.yaml", "envs/api.yaml"},
    ),
    "one values file for two charts": (
        {
            "charts/api/values.yaml": NAMING,
            "charts/web/values.yaml": WEB,
            "envs/all.yaml": ONLY_TAG,
            "app.yaml": APPLICATION.format(files="[../../envs/all.yaml]")
            + "---\n"
            + APPLICATION.format(files="[../../envs/all.yaml]").replace("charts/api", "charts/web"),
        },
        {"charts/api/values.yaml"},
    ),
    "ApplicationSet, environments": (
        {
            "charts/api/values.yaml": NAMING,
            "envs/prod/values.yaml": ONLY_TAG,
            "envs/test/values.yaml": ONLY_TAG,
            "app.yaml": APPLICATION.format(files="['../../envs/{{env}}/values.yaml']"),
        },
        {"charts/api/values.yaml", "envs/prod/values.yaml", "envs/test/values.yaml"},
    ),
    "ApplicationSet, applications": (
        {
            "charts/api/values.yaml": NAMING,
            "charts/web/values.yaml": WEB,
            "envs/api/prod.yaml": ONLY_TAG,
            "envs/web/prod.yaml": ONLY_TAG,
            "app.yaml": APPLICATION.format(files="['/envs/{{ .app }}/prod.yaml']").replace(
                "charts/api", "'charts/{{.app}}'"
            ),
        },
        {"charts/api/values.yaml", "envs/api/prod.yaml"},
    ),
    "ApplicationSet, applications and environments": (
        {
            "charts/api/values.yaml": NAMING,
            "charts/web/values.yaml": WEB,
            "envs/api/prod.yaml": ONLY_TAG,
            "envs/api/test.yaml": ONLY_TAG,
            "envs/web/prod.yaml": ONLY_TAG,
            "app.yaml": APPLICATION.format(files="['/envs/{{app}}/{{env}}.yaml']").replace(
                "charts/api", "'charts/{{app}}'"
            ),
        },
        {"charts/api/values.yaml", "envs/api/prod.yaml", "envs/api/test.yaml"},
    ),
    "ApplicationSet, folders of git": (
        {
            "charts/api/values.yaml": NAMING,
            "charts/web/values.yaml": WEB,
            "envs/api.yaml": ONLY_TAG,
            "envs/web.yaml": ONLY_TAG,
            "app.yaml": APPLICATION.format(files="['/envs/{{.path.basename}}.yaml']").replace(
                "charts/api", "'{{.path.path}}'"
            ),
        },
        {"charts/api/values.yaml", "envs/api.yaml"},
    ),
    "ApplicationSet, one file for all applications": (
        {
            "charts/api/values.yaml": NAMING,
            "charts/web/values.yaml": WEB,
            "envs/all.yaml": ONLY_TAG,
            "app.yaml": APPLICATION.format(files="[/envs/all.yaml]").replace("charts/api", "'charts/{{app}}'"),
        },
        {"charts/api/values.yaml"},
    ),
    "HelmRelease, values files": (
        {
            "charts/api/values.yaml": NAMING,
            "charts/api/prod/values.yaml": ONLY_TAG,
            "r.yaml": "kind: HelmRelease\nspec:\n  chart:\n    spec:\n      chart: ./charts/api\n      valuesFiles:\n"
            "      - charts/api/values.yaml\n      - charts/api/prod/values.yaml\n",
        },
        {"charts/api/values.yaml", "charts/api/prod/values.yaml"},
    ),
    "HelmRelease, values inside": (
        {
            "charts/api/values.yaml": NAMING,
            "r.yaml": "kind: HelmRelease\nspec:\n  chart:\n    spec:\n      valuesFiles: [charts/api/values.yaml]\n"
            "  values:\n    image:\n      tag: 1.0.0\n",
        },
        {"charts/api/values.yaml", "r.yaml"},
    ),
    "HelmRelease, ConfigMap with the tag": (
        {
            "m.yaml": "kind: ConfigMap\nmetadata: {name: v}\ndata:\n  values.yaml: |\n    image:\n      tag: 1.0.0\n",
            "r.yaml": "kind: HelmRelease\nspec:\n  valuesFrom:\n  - kind: ConfigMap\n    name: v\n  values:\n"
            "    image:\n      repository: ghcr.io/acme/api\n",
        },
        {"m.yaml"},
    ),
    "HelmRelease, ConfigMap with the name": (
        {
            "m.yaml": "kind: ConfigMap\nmetadata: {name: v}\ndata:\n  values.yaml: |\n    image:\n"
            "      repository: ghcr.io/acme/api\n",
            "r.yaml": "kind: HelmRelease\nspec:\n  valuesFrom:\n  - {kind: ConfigMap, name: v}\n  values:\n"
            "    image:\n      tag: 1.0.0\n",
        },
        {"r.yaml"},
    ),
    "HelmRelease, another ConfigMap": (
        {
            "m.yaml": "kind: ConfigMap\nmetadata: {name: w}\ndata:\n  values.yaml: |\n    image:\n      tag: 1.0.0\n",
            "r.yaml": "kind: HelmRelease\nspec:\n  valuesFrom:\n  - kind: ConfigMap\n    name: v\n  values:\n"
            "    image:\n      repository: ghcr.io/acme/api\n",
        },
        set(),
    ),
    "HelmRelease, generated ConfigMap": (
        {
            "base/kustomization.yaml": "configMapGenerator:\n- name: v\n  files:\n  - values.yaml=helm/api.yaml\n",
            "base/helm/api.yaml": ONLY_TAG,
            "r.yaml": "kind: HelmRelease\nspec:\n  valuesFrom:\n  - kind: ConfigMap\n    name: v\n  values:\n"
            "    image:\n      repository: ghcr.io/acme/api\n",
        },
        {"base/helm/api.yaml"},
    ),
    "HelmRelease, both generated": (
        {
            "base/kustomization.yaml": "configMapGenerator:\n- name: v\n  files: [values.yaml=helm/api.yaml]\n"
            "- name: w\n  files: [values.yaml=prod/api.yaml]\n",
            "base/helm/api.yaml": NAMING,
            "base/prod/api.yaml": ONLY_TAG,
            "r.yaml": "kind: HelmRelease\nspec:\n  valuesFrom:\n  - {kind: ConfigMap, name: v}\n"
            "  - {kind: ConfigMap, name: w}\n",
        },
        {"base/helm/api.yaml", "base/prod/api.yaml"},
    ),
    "helmfile": (
        {
            "values/api.yaml": NAMING,
            "envs/prod/api.yaml": ONLY_TAG,
            "helmfile.yaml": "releases:\n- name: api\n  chart: x/api\n  values:\n  - values/api.yaml\n"
            "  - 'envs/{{ .Environment.Name }}/api.yaml'\n",
        },
        {"values/api.yaml", "envs/prod/api.yaml"},
    ),
    "helmfile, chart beside it": (
        {
            "d/charts/api/values.yaml": NAMING,
            "d/prod.yaml": ONLY_TAG,
            "d/helmfile.yaml": "releases:\n- name: api\n  chart: ./charts/api\n  values: [prod.yaml]\n",
        },
        {"d/charts/api/values.yaml", "d/prod.yaml"},
    ),
    "helmfile, each release with its own": (
        {
            "a/api.yaml": NAMING,
            "b/web.yaml": WEB,
            "p/api.yaml": ONLY_TAG,
            "p/web.yaml": ONLY_TAG,
            "helmfile.d/10.yaml": "releases:\n- values: [../a/api.yaml, ../p/api.yaml]\n"
            "- values: [../b/web.yaml, ../p/web.yaml]\n",
        },
        {"a/api.yaml", "p/api.yaml"},
    ),
    "nothing that names them together": (
        {"charts/api/values.yaml": NAMING, "envs/prod.yaml": ONLY_TAG, "x.yaml": "files: [envs/prod.yaml]\n"},
        {"charts/api/values.yaml"},
    ),
    "outside the repository": (
        {
            "charts/api/values.yaml": NAMING,
            "app.yaml": APPLICATION.format(files="[../../../x.yaml, https://x/y.yaml, '']"),
        },
        {"charts/api/values.yaml"},
    ),
    "a file that is not there": (
        {"charts/api/values.yaml": NAMING, "app.yaml": APPLICATION.format(files="[no/such/file.yaml]")},
        {"charts/api/values.yaml"},
    ),
}


@pytest.mark.parametrize(("files", "wanted"), LINKS.values(), ids=LINKS)
def test_values_that_are_named_together_belong_together(files: dict[str, str], wanted: set[str]) -> None:
    assert changed(files) == wanted


class Strict(Memory):
    """Fails for a file that is not listed: a checkout holds files that git does not know."""

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise AssertionError(f"{path} is not in the repository")
        return super().read(path)


@pytest.mark.parametrize("files", ["[../../../x.yaml]", "[/etc/x.yaml]", "['{{x}}.yaml']", "[no/such.yaml]"])
def test_only_files_of_the_repository_are_read(files: str) -> None:
    tree = Strict({"charts/api/values.yaml": NAMING, "app.yaml": APPLICATION.format(files=files)})
    assert bump(tree, TAG).plan.files == ("charts/api/values.yaml",)


def test_a_linking_file_that_must_not_be_read_is_passed_over() -> None:
    files = {"c/values.yaml": NAMING, "c/x.yaml": ONLY_TAG, "app.yaml": APPLICATION.format(files="[c]")}
    bumped = bump(Memory(files, {"app.yaml": "larger than 5 MiB", "c/x.yaml": "a link"}), TAG)
    assert bumped.plan.files == ("c/values.yaml",)


def test_a_tag_beside_is_counted_and_explained_like_any_other() -> None:
    bumped = bump({"c/values.yaml": NAMING, "c/prod.yaml": ONLY_TAG}, TAG)
    assert [(edit.file, edit.line, edit.column, edit.kind) for edit in bumped.plan.edits] == [
        ("c/prod.yaml", 3, 8, "helm-values"),
        ("c/values.yaml", 3, 8, "helm-values"),
    ]
    assert (bumped.plan.images[0].occurrences, bumped.plan.images[0].changed) == (2, 2)


def test_a_search_is_made_once_however_many_releases_name_config_maps() -> None:
    class Counting(Memory):
        searches = 0

        def search(self, groups):  # type: ignore[no-untyped-def]
            Counting.searches += 1
            return super().search(groups)

    release = "kind: HelmRelease\nspec:\n  valuesFrom:\n  - {{kind: ConfigMap, name: v{0}}}\n"
    files: dict[str, bytes | str] = {f"r{number}.yaml": release.format(number) for number in range(20)}
    bump(Counting({**files, "c/values.yaml": NAMING}), TAG)
    assert Counting.searches <= 4  # two plans, the second on the result


def test_many_objects_in_one_file_are_read_once() -> None:
    # Looking at all values for each object, or at all objects for each value, would not end in the time of a test.
    one = APPLICATION.format(files="[values.yaml]") + "      valuesObject:\n        image:\n          tag: 1.0.0\n"
    text = "---\n".join([one] * 900)
    bumped = bump({"charts/api/values.yaml": NAMING, "app.yaml": text}, TAG)
    assert bumped.plan.images[0].changed == 901
