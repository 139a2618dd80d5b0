# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, or blocks from pipelinegen:begin to pipelinegen:end.
"""Holds every object to the schema that Kubernetes has for its kind; unknown fields are errors."""

import os
import sys

import kubernetes_validate
import yaml

# The version of the clusters, such as 1.34; the newest one that is known if it is empty.
# pipelinegen:begin version
KUBERNETES = ""
# pipelinegen:end


def problems(path):
    root = os.path.basename(path).removesuffix(".yaml").replace("+", "/")
    with open(path, encoding="utf-8") as text:
        objects = [each for each in yaml.safe_load_all(text) if each]
    for each in objects:
        name = f"{each.get('kind')} {each.get('metadata', {}).get('name')}"
        try:
            version = KUBERNETES or kubernetes_validate.latest_version()
            kubernetes_validate.validate(each, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            print(f"not checked, as its schema is not Kubernetes' own: {name}")
        except kubernetes_validate.ValidationError as error:
            yield f"{root}: {name}: {'.'.join(map(str, error.path))}: {error.message}"


found = [problem for path in sys.argv[1:] for problem in problems(path)]
print("\n".join(found) if found else "every object fits its schema", file=sys.stderr if found else sys.stdout)
sys.exit(bool(found))
