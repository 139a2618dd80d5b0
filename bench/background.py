"""The files around the target: applications as kustomize, Helm, Flux, Argo CD, plain YAML, JSON and prose."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.draw import Draw

Files = Iterator[tuple[str, str]]
ENVIRONMENTS = ("dev", "staging", "production")
_TEAMS = ("checkout", "search", "identity", "ledger", "media", "platform", "risk", "fulfilment")
_ADJECTIVES = ("amber", "brisk", "calm", "dusty", "eager", "faint", "grand", "hazel", "ivory", "jolly", "keen", "lucid")
_NOUNS = (
    "anchor",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "glade",
    "harbor",
    "inlet",
    "juniper",
    "kiln",
    "lagoon",
)
_OWNERS = ("ghcr.io/acme", "registry.example.com/shop", "quay.io/example", "docker.io/library", "ghcr.io/example/tools")

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/part-of: {team}
spec:
  replicas: {number}
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9{number}90"
    spec:
      serviceAccountName: {name}
      securityContext:
        runAsNonRoot: true
      containers:
        - name: {name}
          image: {image}
          imagePullPolicy: IfNotPresent
          args: ["serve", "--listen=:8080", "--log-format=json"]
          env:
            - name: LOG_LEVEL
              value: info
            - name: UPSTREAM # the address of the gateway, inside the mesh
              value: http://gateway.{team}.svc:8080
          ports:
            - containerPort: 8080
              name: http
          readinessProbe:
            httpGet: {{path: /healthz, port: http}}
            periodSeconds: 1{number}
          resources:
            requests: {{cpu: {number}00m, memory: 128Mi}}
            limits:
              memory: 512Mi
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
  - name: http
    port: 80
    targetPort: http
"""
BASE = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - deployment.yaml
  - service.yaml
commonLabels:
  team: {team}
"""
OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {team}-{environment}
resources:
  - ../../base
patches:
  - path: patch.yaml
images:
  - name: {image_name}
    newTag: {tag}
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: {number}
  template:
    spec:
      containers:
        - name: {name}
          env:
            - name: ENVIRONMENT
              value: {environment}
"""
CHART = """\
apiVersion: v2
name: {name}
description: The {name} of team {team}
type: application
version: 0.{number}.0
appVersion: "{tag}"
"""
VALUES = """\
# Default values for {name}.
replicaCount: {number}

image:
  repository: {image_name}
  # Overrides the image tag whose default is the chart appVersion.
  tag: "{tag}"
  pullPolicy: IfNotPresent

service:
  type: ClusterIP
  port: 80
"""
SECTION = """
## @section Parameters of {name} {number}
{section}:
  ## @param {section}.enabled Enable the component
  ##
  enabled: {flag}
  image:
    registry: docker.io
    repository: example/{section}
    tag: {tag}
    pullSecrets: []
  resources:
    requests: {{cpu: 250m, memory: 256Mi}}
    limits: {{}}
  ## @param {section}.extraEnvVars Extra environment variables
  ## e.g:
  ## extraEnvVars:
  ##   - name: FOO
  ##     value: "bar"
  ##
  extraEnvVars: []
  podAnnotations: {{}}
  affinity: {{}}
  tolerations: []
  persistence:
    enabled: false
    size: 8Gi
    accessModes:
      - ReadWriteOnce
"""
VALUES_ENVIRONMENT = """\
replicaCount: {number}
ingress:
  enabled: true
  hosts:
    - host: {name}.{environment}.example.com
      paths: [/]
"""
TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{{{ include "{name}.fullname" . }}}}
  labels:
    {{{{- include "{name}.labels" . | nindent 4 }}}}
spec:
  {{{{- if not .Values.autoscaling.enabled }}}}
  replicas: {{{{ .Values.replicaCount }}}}
  {{{{- end }}}}
  template:
    spec:
      containers:
        - name: {{{{ .Chart.Name }}}}
          image: "{{{{ .Values.image.repository }}}}:{{{{ .Values.image.tag | default .Chart.AppVersion }}}}"
          {{{{- with .Values.resources }}}}
          resources:
            {{{{- toYaml . | nindent 12 }}}}
          {{{{- end }}}}
"""
HELM_RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {name}
  namespace: {team}
spec:
  interval: 1{number}m
  chart:
    spec:
      chart: {name}
      version: 1.{number}.x
      sourceRef:
        kind: HelmRepository
        name: {team}
        namespace: flux-system
  install:
    remediation:
      retries: 3
  values:
    image:
      repository: {image_name}
      tag: {tag}
    ingress:
      enabled: true
"""
FLUX_KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: {name}
  namespace: flux-system
spec:
  interval: 1{number}m
  path: ./clusters/{environment}/{name}
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
"""
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
  namespace: argocd
  finalizers:
    - resources-finalizer.argocd.argoproj.io
spec:
  project: {team}
  source:
    repoURL: https://git.example.com/{team}/manifests.git
    targetRevision: main
    path: apps/{team}/{name}/overlays/{environment}
  destination:
    server: https://kubernetes.default.svc
    namespace: {team}
  syncPolicy:
    automated: {{prune: true, selfHeal: true}}
    syncOptions:
      - CreateNamespace=true
"""
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}-config
data:
  mode: "{number}"
  application.properties: |
    server.port=8080
    cache.ttl=3{number}0
    feature.{name}=on
"""
JSON = """\
{{
  "apiVersion": "v1",
  "kind": "Pod",
  "metadata": {{"name": "{name}", "labels": {{"team": "{team}"}}}},
  "spec": {{"containers": [{{"name": "main", "image": "{image}", "ports": [{{"containerPort": 8080}}]}}]}}
}}
"""
PROSE = """\
# {name}

Owned by team {team}. Runs {image} in every environment; see the dashboard for its state.

- On call: {team}@example.com
- Runbook: restart the deployment, then look at the {environment} logs.
"""


def background(draw: Draw) -> Files:
    """Files without end: one application after another, each in the form that it draws."""
    number = 0
    while True:
        words = _application(draw, number)
        yield from draw.pick(_FORMS)(draw, words)
        number += 1


def noise(draw: Draw, text: str) -> str:
    """What editors and tools leave behind: CR LF, no final newline, a BOM."""
    if draw.chance(0.1):
        text = text.rstrip("\n")
    if draw.chance(0.01):
        text = text.replace("\n", "\r\n")
    return f"\ufeff{text}" if draw.chance(0.002) else text


def _application(draw: Draw, number: int) -> dict[str, str]:
    name = f"{draw.pick(_ADJECTIVES)}-{draw.pick(_NOUNS)}-{number}"
    image_name = f"{draw.pick(_OWNERS)}/{name}"
    tag = f"{draw.below(4)}.{draw.below(30)}.{draw.below(20)}"
    quote = draw.pick(("", "", "", "", '"', '"', "'"))
    return {
        "name": name,
        "team": draw.pick(_TEAMS),
        "image_name": image_name,
        "tag": tag,
        "image": f"{quote}{image_name}:{tag}{quote}",
        "number": str(1 + draw.below(9)),
        "environment": draw.pick(ENVIRONMENTS),
    }


def _kustomize(draw: Draw, words: dict[str, str]) -> Files:
    folder = f"apps/{words['team']}/{words['name']}"
    yield f"{folder}/base/deployment.yaml", noise(draw, DEPLOYMENT.format_map(words))
    yield f"{folder}/base/service.yaml", SERVICE.format_map(words)
    yield f"{folder}/base/kustomization.yaml", BASE.format_map(words)
    for environment in ENVIRONMENTS:
        here = {**words, "environment": environment}
        yield f"{folder}/overlays/{environment}/kustomization.yaml", noise(draw, OVERLAY.format_map(here))
        yield f"{folder}/overlays/{environment}/patch.yaml", PATCH.format_map(here)


def _helm(draw: Draw, words: dict[str, str]) -> Files:
    folder = f"charts/{words['name']}"
    yield f"{folder}/Chart.yaml", CHART.format_map(words)
    yield f"{folder}/values.yaml", noise(draw, VALUES.format_map(words) + sections(draw, words, _section_count(draw)))
    for environment in ENVIRONMENTS:
        text = VALUES_ENVIRONMENT.format_map({**words, "environment": environment})
        yield f"{folder}/values-{environment}.yaml", text + sections(draw, words, draw.below(4))
    yield f"{folder}/templates/deployment.yaml", TEMPLATE.format_map(words)
    yield f"{folder}/templates/service.yaml", TEMPLATE.format_map(words).replace("Deployment", "Service", 1)


def sections(draw: Draw, words: dict[str, str], count: int) -> str:
    """Further top-level sections of a values file, about 700 bytes each."""
    parts = [
        {**words, "section": f"component{index}", "flag": draw.pick(("true", "false")), "number": str(index)}
        for index in range(count)
    ]
    return "".join(SECTION.format_map(part) for part in parts)


def _section_count(draw: Draw) -> int:
    """Most values files are short; one in a hundred has 80 KB."""
    if draw.chance(0.01):
        return 130
    return draw.below(20) if draw.chance(0.5) else draw.below(4)


def _flux(draw: Draw, words: dict[str, str]) -> Files:
    folder = f"clusters/{words['environment']}/{words['name']}"
    yield f"{folder}/release.yaml", noise(draw, HELM_RELEASE.format_map(words))
    yield f"{folder}/sync.yaml", FLUX_KUSTOMIZATION.format_map(words)


def _argocd(draw: Draw, words: dict[str, str]) -> Files:
    yield f"argocd/{words['team']}/{words['name']}.yaml", noise(draw, APPLICATION.format_map(words))


def _plain(draw: Draw, words: dict[str, str]) -> Files:
    documents = [DEPLOYMENT, SERVICE, CONFIG_MAP, DEPLOYMENT][: 1 + draw.below(4)]
    text = "---\n".join(document.format_map(words) for document in documents)
    yield f"manifests/{words['team']}/{words['name']}.{draw.pick(('yaml', 'yaml', 'yml'))}", noise(draw, text)


def _json(draw: Draw, words: dict[str, str]) -> Files:
    image = words["image"].strip("'\"")
    yield f"manifests/{words['team']}/{words['name']}.json", noise(draw, JSON.format_map({**words, "image": image}))


def _prose(draw: Draw, words: dict[str, str]) -> Files:
    yield f"docs/{words['name']}.md", noise(draw, PROSE.format_map(words))


_FORMS: tuple[Callable[[Draw, dict[str, str]], Files], ...] = (
    *(_kustomize,) * 3,
    *(_helm,) * 2,
    *(_flux,) * 4,
    *(_argocd,) * 4,
    *(_plain,) * 6,
    _json,
    _prose,
)
