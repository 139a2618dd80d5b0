"""Which environments an edit reaches, which edits are void, and where an overlay needs an entry of its own."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipelinegen.manifests.environments import (
    EditedReference,
    OverlayNeed,
    environment_name,
    needs_overlay_entry,
    reach,
    void_edits,
)
from pipelinegen.manifests.kustomize.effective import effective
from pipelinegen.manifests.kustomize.layout import Layout
from tests.support.kustomize import Files

API = "ghcr.io/acme/api"
DIGEST = "sha256:" + "a" * 64
BASE = "apps/shop/base/kustomization.yaml"
DEPLOYMENT = "apps/shop/base/deployment.yaml"
STAGING = "apps/shop/overlays/staging/kustomization.yaml"
PRODUCTION = "apps/shop/overlays/production/kustomization.yaml"


def deployment(image: str, name: str = "api", container: str = "api") -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  template:
    spec:
      containers:
      - name: {container}
        image: {image}
"""


def shop(production: str = "", staging: str = "", image: str = f"{API}:1.0.0", **more: str) -> Files:
    return Files(
        {
            BASE: "resources: [deployment.yaml]\n",
            DEPLOYMENT: deployment(image),
            STAGING: "resources: [../../base]\n" + staging,
            PRODUCTION: "resources: [../../base]\n" + production,
            **{path.replace("__", "/") + ".yaml": text for path, text in more.items()},
        }
    )


def test_an_edit_of_a_base_reaches_every_environment_that_includes_it() -> None:
    files = shop()
    assert reach(files, [DEPLOYMENT, STAGING, "README.md"]) == {
        DEPLOYMENT: [PRODUCTION, STAGING],
        STAGING: [STAGING],
        "README.md": [],
    }
    assert reach(files, [DEPLOYMENT], [PRODUCTION, "apps/other/kustomization.yaml"]) == {DEPLOYMENT: [PRODUCTION]}
    assert reach(files, [DEPLOYMENT], []) == {DEPLOYMENT: []}


def test_the_cost_of_reach_is_one_search_a_step_and_the_files_on_the_way() -> None:
    files = shop()
    for number in range(200):
        files[f"apps/other{number}/base/kustomization.yaml"] = b"resources: [deployment.yaml]\n"
        files[f"apps/other{number}/base/deployment.yaml"] = b"kind: Deployment\n"
    files.searches = 0
    assert reach(files, [DEPLOYMENT])[DEPLOYMENT] == [PRODUCTION, STAGING]
    assert files.searches == 2
    assert set(files.reads) == {BASE, STAGING, PRODUCTION}


def test_a_component_and_a_kustomization_in_between_are_no_environments() -> None:
    files = Files(
        {
            "components/side/kustomization.yaml": "kind: Component\nresources: [side.yaml]\n",
            "components/side/side.yaml": deployment(f"{API}:1"),
            "components/lone/kustomization.yaml": "kind: Component\nresources: [lone.yaml]\n",
            "components/lone/lone.yaml": deployment(f"{API}:1"),
            "middle/kustomization.yaml": "components: [../components/side]\n",
            "top/kustomization.yaml": "resources: [../middle]\n",
        }
    )
    found = reach(files, ["components/side/side.yaml", "components/lone/lone.yaml"])
    assert found == {"components/side/side.yaml": ["top/kustomization.yaml"], "components/lone/lone.yaml": []}


def test_a_cycle_of_kustomizations_has_no_root_and_an_end() -> None:
    files = Files({"a/kustomization.yaml": "resources: [../b, x.yaml]", "b/kustomization.yaml": "resources: [../a]"})
    files["a/x.yaml"] = deployment(API).encode()
    assert reach(files, ["a/x.yaml"]) == {"a/x.yaml": []}
    assert reach(files, ["a/x.yaml"], ["b/kustomization.yaml"]) == {"a/x.yaml": ["b/kustomization.yaml"]}


@pytest.mark.parametrize(
    ("path", "configured", "name"),
    [
        (PRODUCTION, {}, "production"),
        (PRODUCTION, {PRODUCTION: "live"}, "live"),
        ("kustomization.yaml", {}, "."),
        ("prod/Kustomization", {}, "prod"),
    ],
)
def test_the_name_of_an_environment(path: str, configured: Mapping[str, str], name: str) -> None:
    assert environment_name(path, configured.get) == name


IMAGES = f"images:\n- name: {API}\n"
PATCH = "patches:\n- patch: |\n    " + deployment(f"{API}:0.9.0").replace("\n", "\n    ").rstrip() + "\n"
JSON_PATCH = f"""\
patches:
- target: {{kind: Deployment}}
  patch: |
    - op: replace
      path: /spec/template/spec/containers/0/image
      value: {API}:0.9.0
"""


@pytest.mark.parametrize(
    ("production", "decider", "final"),
    [
        pytest.param(IMAGES + "  newTag: 0.9.0\n", "4:11", ":0.9.0", id="a tag"),
        pytest.param(IMAGES + f"  digest: {DIGEST}\n", "4:11", f"@{DIGEST}", id="a digest"),
        pytest.param(IMAGES + f"  newTag: x\n  digest: {DIGEST}\n", "4:11", f":x@{DIGEST}", id="both"),
        pytest.param(
            IMAGES + "  newName: ghcr.io/acme/fork\n  newTag: x\n", "5:11", "ghcr.io/acme/fork:x", id="a fork"
        ),
        pytest.param(PATCH, "12:20", ":0.9.0", id="a strategic merge patch"),
        pytest.param(JSON_PATCH, "7:14", ":0.9.0", id="a JSON patch"),
        pytest.param(PATCH + IMAGES + "  newTag: 0.8.0\n", "15:11", ":0.8.0", id="an entry over a patch"),
        pytest.param("images:\n- name: ghcr.io/acme/ap.\n  newTag: x\n", "4:11", ":x", id="a name with a dot"),
    ],
)
def test_a_closer_place_makes_the_edit_of_a_base_void(production: str, decider: str, final: str) -> None:
    files = shop(production)
    edits = [EditedReference(DEPLOYMENT, API, "1.1.0")]
    (void,) = void_edits(files, edits, [PRODUCTION, STAGING])
    assert (void.edit, void.kustomization, void.object) == (edits[0], PRODUCTION, "Deployment api")
    assert str(void.decider.at) == f"{PRODUCTION}:{decider}"
    assert void.final == (final if "/" in final else API + final)
    assert void.field == "spec.template.spec.containers[api].image"


def test_the_words_of_a_warning() -> None:
    (void,) = void_edits(shop(IMAGES + "  newTag: 0.9.0\n"), [EditedReference(DEPLOYMENT, API, "1.1.0")], [PRODUCTION])
    assert str(void) == (
        f"{DEPLOYMENT}: the edit has no effect on {PRODUCTION}: an `images:` entry at {PRODUCTION}:4:11 "
        f"sets Deployment api spec.template.spec.containers[api].image to {API}:0.9.0"
    )


def test_an_entry_of_a_component_and_of_a_kustomization_in_between_make_it_void_too() -> None:
    files = shop(
        "components: [../../side]\n", apps__shop__side__kustomization=f"kind: Component\n{IMAGES}  newTag: x\n"
    )
    (void,) = void_edits(files, [EditedReference(DEPLOYMENT, API, "1.1.0")], [PRODUCTION, STAGING])
    assert (void.kustomization, void.decider.at.file) == (PRODUCTION, "apps/shop/side/kustomization.yaml")
    files[BASE] = (files[BASE].decode() + IMAGES + "  newTag: y\n").encode()
    files[PRODUCTION] = b"resources: [../../base]\n"
    found = void_edits(files, [EditedReference(DEPLOYMENT, API, "1.1.0")], [PRODUCTION, STAGING])
    assert [(void.kustomization, void.decider.at.file) for void in found] == [(PRODUCTION, BASE), (STAGING, BASE)]


def test_values_of_a_helm_release_that_an_overlay_patches() -> None:
    release = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: api}
spec:
  values:
    image: {repository: acme/api, registry: ghcr.io, tag: 1.0.0}
"""
    patch = release.replace("repository: acme/api, registry: ghcr.io, tag: 1.0.0", "tag: 0.9.0")
    files = shop("patches: [{path: patch.yaml}]\n", apps__shop__overlays__production__patch=patch)
    files[DEPLOYMENT] = release.encode()
    (void,) = void_edits(files, [EditedReference(DEPLOYMENT, API, "1.1.0")], [PRODUCTION, STAGING])
    assert (void.field, void.final) == ("spec.values.image", f"{API}:0.9.0")
    assert str(void.decider.at) == "apps/shop/overlays/production/patch.yaml:6:18"
    files["apps/shop/overlays/production/patch.yaml"] = patch.replace("tag: 0.9.0", f"digest: {DIGEST}").encode()
    (void,) = void_edits(files, [EditedReference(DEPLOYMENT, API, "1.1.0")], [PRODUCTION, STAGING])
    assert void.final == f"{API}:1.0.0@{DIGEST}"


@pytest.mark.parametrize(
    "production",
    [
        pytest.param("", id="nothing"),
        pytest.param(IMAGES, id="an entry that sets nothing"),
        pytest.param(IMAGES + "  newName: mirror.acme.io/api\n", id="only another name"),
        pytest.param(IMAGES + "  newTag: 1.1.0\n", id="the same tag already"),
        pytest.param(IMAGES + '  newTag: ""\n  digest: ""\n', id="an empty tag and digest"),
        pytest.param(IMAGES + "  tagSuffix: -debug\n", id="a suffix"),
        pytest.param("images:\n- name: acme/api\n  newTag: x\n", id="another name"),
        pytest.param(f"images:\n- name: {API}-worker\n  newTag: x\n", id="a longer name"),
        pytest.param(f"images:\n- name: {API}:1.0.0\n  newTag: x\n", id="a name with a tag"),
        pytest.param("images:\n- name: docker.io/ghcr.io/acme/api\n  newTag: x\n", id="a name that is no prefix"),
        pytest.param("images:\n- name: (.*)/api\n  newTag: x\n", id="a pattern that is not followed"),
        pytest.param(PATCH.replace("name: api}", "name: web}"), id="a patch of another object"),
        pytest.param(PATCH.replace("kind: Deployment", "kind: StatefulSet"), id="a patch of another kind"),
        pytest.param(PATCH.replace("- name: api", "- name: side"), id="a patch of another container"),
        pytest.param(PATCH.replace(f"        image: {API}:0.9.0\n", ""), id="a patch without an image"),
        pytest.param(JSON_PATCH.replace("containers/0", "containers/7"), id="a JSON patch of a missing container"),
        pytest.param(JSON_PATCH.replace("{kind: Deployment}", "{name: web}"), id="a JSON patch of another target"),
        pytest.param(
            JSON_PATCH.replace("{kind: Deployment}", "{labelSelector: tier=front}"), id="a JSON patch by a label"
        ),
        pytest.param("patches: [{path: gone.yaml}]\n", id="a patch that is missing"),
        pytest.param("patches:\n- patch: 'a: [b'\n", id="a patch that is no YAML"),
        pytest.param("patches:\n- {}\n- null\n", id="an empty patch"),
        pytest.param("images: [x, 1, null, {newTag: y}]\n", id="entries of a wrong form"),
        pytest.param(": [\n", id="a kustomization that cannot be read"),
    ],
)
def test_no_warning_where_nothing_closer_decides(production: str) -> None:
    assert void_edits(shop(production), [EditedReference(DEPLOYMENT, API, "1.1.0")], [PRODUCTION, STAGING]) == []


def test_no_warning_where_the_closer_place_is_edited_too() -> None:
    files = shop(IMAGES + "  newTag: 0.9.0\n")
    edits = [EditedReference(DEPLOYMENT, API, "1.1.0"), EditedReference(PRODUCTION, API, "1.1.0")]
    assert void_edits(files, edits, [PRODUCTION]) == []
    assert (
        len(void_edits(files, [edits[0], EditedReference(PRODUCTION, "ghcr.io/acme/web", "1.1.0")], [PRODUCTION])) == 1
    )


def test_names_are_compared_as_docker_does_and_read_as_kustomize_does() -> None:
    files = shop("images:\n- name: nginx\n  newTag: x\n", image="nginx:1.0")
    edit = EditedReference(DEPLOYMENT, "docker.io/library/nginx", "1.1")
    assert [void.final for void in void_edits(files, [edit], [PRODUCTION])] == ["nginx:x"]
    files = shop("images:\n- name: docker.io/library/nginx\n  newTag: x\n", image="nginx:1.0")
    assert void_edits(files, [edit], [PRODUCTION]) == []


def test_only_what_the_kustomizations_reach_and_what_names_the_image_is_parsed() -> None:
    files = shop(IMAGES + "  newTag: 0.9.0\n")
    files[BASE] = b"resources: [deployment.yaml, other.yaml]\n"
    files["apps/shop/base/other.yaml"] = b"kind: [this is not YAML\n"
    files["apps/other/kustomization.yaml"] = b"resources: [x.yaml]\n"
    assert len(void_edits(files, [EditedReference(DEPLOYMENT, API, "1.1.0")], [PRODUCTION])) == 1
    assert effective(files, PRODUCTION, API).problems == ()
    assert [str(problem.at) for problem in effective(files, PRODUCTION).problems] == ["apps/shop/base/other.yaml:2:1"]
    assert files.searches == 0
    assert not [path for path in files.reads if "apps/other" in path or path == STAGING]


def test_what_may_make_the_answer_wrong_is_told() -> None:
    unfollowed = "transformers: [x.yaml]\nhelmCharts: [{name: redis}]\nresources: [https://x/y]\nvars: [{name: A}]\n"
    files = shop()
    files[PRODUCTION] = unfollowed.encode()
    reasons = [problem.reason for problem in effective(files, PRODUCTION).problems]
    assert reasons == [
        "`transformers` may change images and is not followed",
        "`helmCharts` may change images and is not followed",
        "`vars` may change images and is not followed",
        "https://x/y is remote",
    ]


def test_kustomizations_that_multiply_are_cut() -> None:
    files = {f"k{n}/kustomization.yaml": f"resources: [../k{n + 1}, ./../k{n + 1}]\n" for n in range(30)}
    found = effective(Files({**files, "k30/kustomization.yaml": "resources: [x.yaml]\n"}), "k0/kustomization.yaml")
    assert "included too often" in found.problems[-1].reason


def selected(path: str) -> bool:
    return "production" in path


def test_an_image_that_only_a_shared_base_names_needs_an_entry() -> None:
    found = needs_overlay_entry(Layout(shop()), API, [DEPLOYMENT], [PRODUCTION], selected)
    assert found.entries == (OverlayNeed(PRODUCTION, API, (DEPLOYMENT,), (STAGING,)),)
    assert found.out_of_reach == ()


def test_the_entry_has_the_name_that_the_kustomization_sees() -> None:
    files = shop(image="api:1.0.0")
    files[BASE] += f"images:\n- name: api\n  newName: {API}\n  newTag: 1.0.0\n".encode()
    (need,) = needs_overlay_entry(files, API, [BASE], [PRODUCTION], selected).entries
    assert (need.written_name, need.bases) == (API, (BASE,))
    files = shop(production=f"images:\n- name: {API}\n  newName: mirror.acme.io/api\n")
    (need,) = needs_overlay_entry(files, "mirror.acme.io/api", [PRODUCTION], [PRODUCTION], selected).entries
    assert (need.written_name, need.bases) == ("mirror.acme.io/api", (DEPLOYMENT,))


def test_two_ways_of_writing_the_name_need_two_entries() -> None:
    files = shop(image="nginx:1.0")
    files[BASE] = b"resources: [deployment.yaml, more.yaml]\n"
    files["apps/shop/base/more.yaml"] = deployment("docker.io/library/nginx:1.0", "more").encode()
    hits = [DEPLOYMENT, "apps/shop/base/more.yaml"]
    found = needs_overlay_entry(files, "nginx", hits, [PRODUCTION], selected).entries
    assert [need.written_name for need in found] == ["nginx", "docker.io/library/nginx"]


def test_a_base_outside_the_selection_that_nobody_shares_needs_an_entry_as_well() -> None:
    files = shop()
    del files[STAGING]
    (need,) = needs_overlay_entry(files, API, [DEPLOYMENT], [PRODUCTION], selected).entries
    assert need.shared_with == ()


def test_of_kustomizations_that_include_each_other_the_outermost_gets_the_entry() -> None:
    files = shop()
    files["clusters/production/kustomization.yaml"] = b"resources: [../../apps/shop/overlays/production]\n"
    both = [PRODUCTION, "clusters/production/kustomization.yaml"]
    found = needs_overlay_entry(files, API, [DEPLOYMENT], both, selected).entries
    assert [need.kustomization for need in found] == [both[1]]


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        pytest.param(shop(IMAGES + "  newTag: 0.9.0\n"), [PRODUCTION], id="an entry stands there"),
        pytest.param(shop(PATCH), [PRODUCTION], id="a patch of the overlay sets it"),
        pytest.param(shop(image="ghcr.io/acme/web:1"), [PRODUCTION], id="another image"),
        pytest.param(shop(), [], id="nothing is selected"),
        pytest.param(shop(), ["production/elsewhere/kustomization.yaml"], id="the selected one does not include it"),
    ],
)
def test_no_entry_is_needed(files: Files, chosen: list[str]) -> None:
    hits = [path for path in files if API.encode() in files[path]]
    assert needs_overlay_entry(files, API, hits, chosen, selected) == ((), ())


def test_a_selected_base_that_no_other_environment_includes_is_edited_in_place() -> None:
    files = shop()
    del files[STAGING]
    assert needs_overlay_entry(files, API, [DEPLOYMENT], [PRODUCTION], lambda _: True) == ((), ())


def test_a_field_that_no_entry_reaches_is_told() -> None:
    files = shop()
    files[DEPLOYMENT] = f"kind: Job\napiVersion: x/v1\nmetadata: {{name: j}}\nspec: {{image: '{API}:1.0.0'}}\n".encode()
    found = needs_overlay_entry(files, API, [DEPLOYMENT], [PRODUCTION], selected)
    assert found.entries == ()
    assert [str(item) for item in found.out_of_reach] == [
        f"{PRODUCTION}: Job j spec.image: not the image of a container, which is all that an `images:` entry changes"
    ]


def test_no_entry_is_added_that_would_change_another_image_too() -> None:
    files = shop()
    files[BASE] = b"resources: [deployment.yaml, other.yaml]\n"
    files["apps/shop/base/other.yaml"] = deployment("ghcr-io/acme/api:1.0.0", "other").encode()
    found = needs_overlay_entry(files, API, [DEPLOYMENT], [PRODUCTION], selected)
    assert found.entries == ()
    assert [item.reason for item in found.out_of_reach] == [
        f"an `images:` entry for {API} would change ghcr-io/acme/api:1.0.0 here"
    ]
