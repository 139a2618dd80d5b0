"""The texts that the files of a manifest repository are made of."""

from __future__ import annotations

ENVIRONMENTS = ("dev", "staging", "production")

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
