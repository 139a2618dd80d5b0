"""`pipelinegen schema`: print the JSON Schema of pipelinegen.yaml."""

from __future__ import annotations

import json

from pipelinegen import config


def run() -> str:
    """The schema as the text of a file."""
    return json.dumps(config.schema(), indent=2, ensure_ascii=False) + "\n"
