"""Random repositories of kustomizations, such that real kustomize accepts most of them."""

from __future__ import annotations

import yaml
from hypothesis import strategies as st

from tests.support.kustomize import Files

DIGESTS = ("sha256:" + "a" * 64, "sha256:" + "b" * 64)
NAMES = (
    "api",
    "ghcr.io/acme/api",
    "ghcr.io/acme/web",
    "ghcr-io/acme/api",
    "localhost:5000/api",
    "nginx",
    "docker.io/nginx",
)
TAGS = ("1.0.0", "2.0.0", "latest", "v1")
KINDS = (("apps/v1", "Deployment"), ("batch/v1", "CronJob"), ("v1", "Pod"), ("argoproj.io/v1alpha1", "Rollout"))
OBJECTS = ("one", "two")
CONTAINERS = ("app", "side", "late")


def wrap(kind: str, spec: object) -> dict[str, object]:
    if kind == "Pod":
        return {"spec": spec}
    template: dict[str, object] = {"spec": {"template": {"spec": spec}}}
    return {"spec": {"jobTemplate": template}} if kind == "CronJob" else template


references = st.builds(
    lambda name, tag, digest: name + tag + digest,
    st.sampled_from(NAMES),
    st.sampled_from(("", *(f":{tag}" for tag in TAGS))),
    st.sampled_from(("", "", *(f"@{digest}" for digest in DIGESTS))),
)
containers = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(CONTAINERS), "image": references}),
    min_size=1,
    max_size=3,
    unique_by=lambda container: container["name"],
)


@st.composite
def pod_specs(draw: st.DrawFn) -> dict[str, object]:
    spec: dict[str, object] = {"containers": draw(containers)}
    if draw(st.booleans()):
        spec["initContainers"] = draw(containers)
    return spec


@st.composite
def entries(draw: st.DrawFn) -> dict[str, str]:
    entry = {"name": draw(st.sampled_from(NAMES))}
    for key, values in (("newName", NAMES), ("newTag", TAGS), ("digest", DIGESTS), ("tagSuffix", ("-x",))):
        if draw(st.integers(0, 3)) == 0:
            entry[key] = draw(st.sampled_from(values))
    return entry


@st.composite
def directed(draw: st.DrawFn, spec: dict[str, object]) -> dict[str, object]:
    """A pod spec as a patch may write it: some containers without an image, some with a directive."""
    for items in spec.values():
        for item in items if isinstance(items, list) else ():
            what = draw(st.sampled_from(("image", "image", "image", "no image", "delete", "replace")))
            if what != "image":
                del item["image"]
            if what in {"delete", "replace"}:
                item["$patch"] = what
            if what == "replace":
                item["image"] = draw(references)
    return spec


def operations(draw: st.DrawFn, kind: str) -> dict[str, object]:
    base = "/spec/containers" if kind == "Pod" else "/spec/template/spec/containers"
    base = base.replace("/spec/template", "/spec/jobTemplate/spec/template") if kind == "CronJob" else base
    item = {"name": draw(st.sampled_from(("new", "newer"))), "image": draw(references)}
    choices: list[dict[str, object]] = [
        {"op": "replace", "path": base + "/0/image", "value": draw(references)},
        {"op": "add", "path": base + "/-", "value": item},
        {"op": "add", "path": base + "/0", "value": item},
        {"op": "replace", "path": base + "/0", "value": item},
        {"op": "remove", "path": base + "/0/image"},
        {"op": "test", "path": "/kind", "value": kind},
        {"op": "copy", "from": base + "/0/image", "path": base + "/0/other"},
        {"op": "move", "from": base + "/0/image", "path": base + "/0/other"},
    ]
    return draw(st.sampled_from(choices))


@st.composite
def layers(
    draw: st.DrawFn, folder: str, objects: list[tuple[int, str, str]], files: dict[str, str]
) -> dict[str, object]:
    """Images and patches of one kustomization, in all of their fields, written out or in files of their own."""
    fields: dict[str, list[object]] = {"labels": [{"pairs": {"layer": folder}}]}
    if found := draw(st.lists(entries(), max_size=3)):
        fields["images"] = list(found)
    for number in range(draw(st.integers(0, 2))):
        at, name, seen = draw(st.sampled_from(objects))
        version, kind = KINDS[at]
        target = {"kind": kind, "name": draw(st.sampled_from((name, seen, ".*", "o.e")))}
        how = draw(st.sampled_from(("json", "json6902", "merge", "merge", "target", "strategic")))
        if how in {"json", "json6902"}:
            text = yaml.safe_dump([operations(draw, kind)])
        else:
            body = wrap(kind, draw(directed(draw(pod_specs()))))
            text = yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": {"name": seen}, **body})
        in_file = draw(st.booleans())
        path = f"{how}{number}.yaml"
        if in_file:
            files[f"{folder}/{path}"] = text
        if how == "strategic":
            fields.setdefault("patchesStrategicMerge", []).append(path if in_file else text)
            continue
        patch: dict[str, object] = {"path": path} if in_file else {"patch": text}
        if how != "merge":
            patch["target"] = target
        fields.setdefault("patchesJson6902" if how == "json6902" else "patches", []).append(patch)
    return dict(fields)


@st.composite
def repositories(draw: st.DrawFn) -> Files:
    """A base and layers over it, each with names, images, patches and perhaps a component; perhaps twice in the end."""
    files: dict[str, str] = {}
    names = draw(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(OBJECTS)), min_size=1, max_size=4, unique=True))
    objects = []
    for at, name in names:
        version, kind = KINDS[at]
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **wrap(kind, draw(pod_specs()))}
        files[f"base/{kind}-{name}.yaml"] = yaml.safe_dump(body)
        objects.append((at, name, name))
    resources = sorted(path.partition("/")[2] for path in files)
    fields: dict[str, object] = {"resources": resources, **draw(layers("base", objects, files))}
    files["base/kustomization.yaml"] = yaml.safe_dump(fields)
    below = "base"
    for depth in range(draw(st.integers(1, 3))):
        folder = f"over{depth}"
        fields = {draw(st.sampled_from(("resources", "bases"))): [f"../{below}"]}
        if draw(st.booleans()):
            fields["components"] = [f"../component{depth}"]
            component: dict[str, object] = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
            component |= draw(layers(f"component{depth}", objects, files))
            files[f"component{depth}/kustomization.yaml"] = yaml.safe_dump(component)
        fields |= draw(layers(folder, objects, files))
        if draw(st.integers(0, 2)) == 0:
            fields["namePrefix"] = "p-"
            objects = [(at, name, f"p-{seen}") for at, name, seen in objects]
        if draw(st.integers(0, 3)) == 0:
            fields["namespace"] = "shop"
        files[f"{folder}/kustomization.yaml"] = yaml.safe_dump(fields)
        below = folder
    if draw(st.integers(0, 3)) == 0:
        for suffix in ("-a", "-b"):
            twin = {"resources": [f"../{below}"], "nameSuffix": suffix, **draw(layers(f"twin{suffix}", objects, files))}
            files[f"twin{suffix}/kustomization.yaml"] = yaml.safe_dump(twin)
        files["top/kustomization.yaml"] = yaml.safe_dump({"resources": ["../twin-a", "../twin-b"]})
        below = "top"
    files["root"] = below
    return Files(files)
