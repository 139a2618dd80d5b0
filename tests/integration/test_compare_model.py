"""The numbers of `compare` are counted from the files; the model behind `generate` must give the same ones."""

import re
from functools import cache
from pathlib import Path

import pytest

from pipelinegen.commands.comparing.pair import Generated
from pipelinegen.commands.generating.asked import Asked, GenerateOptions, asked_for
from pipelinegen.config.load import load
from pipelinegen.pipelines import grid
from pipelinegen.pipelines.analyse.blast_radius import REACHING
from pipelinegen.pipelines.analyse.naming import words
from pipelinegen.pipelines.compared import Facts, facts_of
from pipelinegen.pipelines.grid import Target
from pipelinegen.pipelines.model import Pipeline
from pipelinegen.pipelines.read import read

CONFIG = """
version: 1
project: shop
images: {api: {repository: ghcr.io/acme/api}}
manifests:
  repository: https://github.com/acme/manifests
  environments:
    staging: {paths: ["apps/*/overlays/staging/**"], deliver: push, hosts: [s1.example.com]}
    production: {paths: ["apps/*/overlays/production/**"], hosts: [p1.example.com], approval: true}
"""
TARGETS = grid.targets(grid.STYLES, grid.SYSTEMS, grid.DEPLOYERS)
# The deployer's own name, and what carries its commands to the hosts.
TOOLS = {"chef": {"chef", "ssh"}, "puppet": {"puppet", "ssh"}, "kustomize": {"kustomize", "kubectl"}}
# In the model the server of a deployer is a target of its own.
WRITING = {"cluster", "host", "cloud", "server"}


@cache
def asked(folder: Path) -> Asked:
    path = folder / "pipelinegen.yaml"
    path.write_text(CONFIG.lstrip(), encoding="utf-8")
    return asked_for(GenerateOptions(style="both", out="."), load(path))


@pytest.fixture(params=TARGETS, ids=lambda target: target.folder, scope="module")
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, Facts]:
    """A pipeline as it was designed, and as it is read from its files."""
    target: Target = request.param
    application = asked(tmp_path_factory.mktemp("compare")).application
    files = Generated(target.folder, grid.files_of(application, target))
    (path,) = files.pipelines()
    return grid.pipeline_of(application, target), facts_of(read(path, files.files[path], files))


def name_of(pipeline: Pipeline, job: str) -> str:
    """The name under which the file has a job."""
    return pipeline.job(job).title if pipeline.system == "jenkins" else job


def test_nothing_in_a_generated_file_is_unknown(both: tuple[Pipeline, Facts]) -> None:
    assert both[1].unknown == ()


def test_the_jobs_that_can_write_to_an_environment_are_the_same(both: tuple[Pipeline, Facts]) -> None:
    pipeline, facts = both
    designed = {
        name_of(pipeline, job.id) for job in pipeline.jobs for each in job.credentials if each.target in WRITING
    }
    counted = {re.sub(r": .*", "", job) for job in facts.radius.jobs}
    assert counted == designed
    assert (pipeline.style == "pull") == (not designed)


def test_the_stored_credentials_are_the_same(both: tuple[Pipeline, Facts]) -> None:
    pipeline, facts = both
    designed = {(each.name, each.target in WRITING) for job in pipeline.jobs for each in job.credentials if each.stored}
    counted = {(plain(each.name), each.target in REACHING) for each in facts.stored}
    assert {(plain(name), writes) for name, writes in designed} == counted


def plain(name: str) -> str:
    """The name of a credential without what the CI system adds: its environment, or which part of it this is."""
    return re.sub(r"_(?:STAGING|PRODUCTION|PRIVATE_KEY|PASSWORD|APP|TOKEN|ID)(?=_|$)", "", words(name))


def test_the_deliveries_are_the_same(both: tuple[Pipeline, Facts]) -> None:
    pipeline, facts = both
    if pipeline.style == "push":
        designed = {
            (job.environment.name, name_of(pipeline, job.id))
            for job in pipeline.jobs
            if job.environment is not None and job.environment.action == "deploy"
        }
        tools = TOOLS.get(pipeline.deployer or "", {pipeline.deployer})
        assert {each.tool for each in facts.deliveries} <= tools
        assert pipeline.deployer in {each.tool for each in facts.deliveries}
    else:
        designed = {
            (name, name_of(pipeline, job.id))
            for job in pipeline.jobs
            if "update-manifests" in job.stages
            for name in ("staging", "production")
            if name in job.id
        }
    counted = {(each.environment, each.job) for each in facts.deliveries}
    assert counted == designed
    assert {each.model for each in facts.deliveries} == {pipeline.style}
