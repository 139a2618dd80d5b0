"""What becomes of a pushed image before it is deployed: a signature by the job's own identity, a scan."""

from __future__ import annotations

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.model import Credential, Fact, Run, Secret, Step, Style, System, Use, Value

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
    """Sign, then scan."""
    stage = "release" if style == "push" else None
    found: list[Step] = []
    if application.sign:
        found += [Use("Install cosign", "cosign-installer"), _sign(system, stage)]
    if application.scan != "none":
        found.append(_scan(application.scan, stage))
    return tuple(found)


def _sign(system: System, stage: str | None) -> Run:
    environ: dict[str, Value] = {"TEMPORARY": TEMPORARY}
    key = ""
    if system == "gitlab":
        environ[_IDENTITY] = Secret(_IDENTITY)  # cosign looks for it under this name
    elif system == "jenkins":
        environ |= {_KEY: Secret(_KEY), _PASSWORD: Secret(_PASSWORD)}
        key = f' --key "${_KEY}"'
    lines = (_DOCKER, f'while read -r reference; do cosign sign --yes{key} "$reference"; done < {PUSHED}')
    return Run("Sign what was pushed", lines, environ, stage=stage)


def _scan(scanner: str, stage: str | None) -> Run:
    command = 'grype --fail-on high "$reference"' if scanner == "grype" else _TRIVY
    lines = (_DOCKER, f"while read -r reference; do {command}; done < {PUSHED}")
    return Run("Scan what was pushed", lines, {"TEMPORARY": TEMPORARY}, stage=stage)


_TRIVY = 'trivy image --exit-code 1 --severity HIGH,CRITICAL "$reference"'
