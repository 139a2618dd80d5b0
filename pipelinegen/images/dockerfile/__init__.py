"""Dockerfiles as text: parsed to stages of instructions that know their places; nothing is built here."""

from __future__ import annotations

from pipelinegen.images.dockerfile.lines import announced_by
from pipelinegen.images.dockerfile.model import (
    Dockerfile,
    Heredoc,
    Instruction,
    Malformed,
    Pair,
    Place,
    Problem,
    Stage,
    Word,
)
from pipelinegen.images.dockerfile.parse import parse

__all__ = [
    "Dockerfile",
    "Heredoc",
    "Instruction",
    "Malformed",
    "Pair",
    "Place",
    "Problem",
    "Stage",
    "Word",
    "announced_by",
    "parse",
]
