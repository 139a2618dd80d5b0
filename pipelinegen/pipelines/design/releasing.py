"""What becomes of a pushed image before it is deployed: a signature by the job's own identity, a scan."""

from __future__ import annotations

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers.scripts import install
from pipelinegen.pipelines.model import Credential, Fact, Run, Secret, Step, Style, System, Value

# The references that a build has pushed, one a line, by digest.
PUSHED = "pushed.txt"
TEMPORARY = Fact("temporary-folder")
_DOCKER = 'export DOCKER_CONFIG="$TEMPORARY/docker"'
_IDENTITY = "SIGSTORE_ID_TOKEN"
_KEY, _PASSWORD = "COSIGN_KEY", "COSIGN_PASSWORD"
_WHY = "to sign what was pushed"


def wanted(application: Application) -> bool:
    """Is there anything to do with images once they are pushed?"""
    return application.sign or application.scan != "none"


def identity(application: Application, system: System) -> tuple[Credential, ...]:
    """Who signs: the job itself where the CI system gives it an identity that sigstore knows, else the owner of a key.

    https://docs.sigstore.dev/certificate_authority/oidc-in-fulcio/
    """
    if not application.sign:
        return ()
    if system == "jenkins":
        return (
            Credential(_KEY, "password", "server", "sign images", _WHY, file=True),
            Credential(_PASSWORD, "password", "server", f"open {_KEY}", _WHY),
        )
    return (Credential(_IDENTITY, "oidc", "server", "a certificate of sigstore for this job", _WHY),)


def steps(application: Application, style: Style, system: System) -> tuple[Step, ...]:
    """Sign, then scan, each with its program."""
    stage = "release" if style == "push" else None
    found: list[Step] = []
    if application.sign:
        found += [install("cosign"), _sign(system, stage)]
    if application.scan != "none":
        found += [install(application.scan), _scan(application.scan, stage)]
    return tuple(found)


def _sign(system: System, stage: str | None) -> Run:
    environ: dict[str, Value] = {"TEMPORARY": TEMPORARY}
    key = ""
    if system == "gitlab":
        environ[_IDENTITY] = Secret(_IDENTITY)  # cosign looks for it under this name
    elif system == "jenkins":
        environ |= {_KEY: Secret(_KEY), _PASSWORD: Secret(_PASSWORD)}
        key = f' --key "${_KEY}"'
    return Run("Sign what was pushed", _for_each(f'cosign sign --yes{key} "$reference"'), environ, stage=stage)


def _scan(scanner: str, stage: str | None) -> Run:
    return Run("Scan what was pushed", _for_each(_SCANS[scanner]), {"TEMPORARY": TEMPORARY}, stage=stage)


def _for_each(command: str) -> tuple[str, ...]:
    return (_DOCKER, "while read -r reference; do", f"  {command}", f"done < {PUSHED}")


_SCANS = {
    "grype": 'grype --fail-on high "registry:$reference"',
    "trivy": 'trivy image --image-src remote --exit-code 1 --severity HIGH,CRITICAL "$reference"',
}
