# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, or blocks from pipelinegen:begin to pipelinegen:end.

terraform {
  required_version = ">= 1.9.0, < 2.0.0"
}

locals {
  selector = {
    "app.kubernetes.io/name"    = var.name
    "app.kubernetes.io/part-of" = var.project
  }
  metadata = {
    name      = var.name
    namespace = var.namespace
    labels    = merge(local.selector, { "app.kubernetes.io/managed-by" = "terraform" })
  }

  # A probe by HTTP where a path is known, else whether the port is open. Both sides of "?" must be of one type.
  probe = jsondecode(var.health_path != null ? jsonencode({
    httpGet = { path = var.health_path, port = "http" }
    }) : jsonencode({
    tcpSocket = { port = "http" }
  }))
  answers = {
    ports          = [{ name = "http", containerPort = var.port }]
    startupProbe   = merge(local.probe, { periodSeconds = 2, failureThreshold = 60 })
    readinessProbe = merge(local.probe, { periodSeconds = 5 })
    livenessProbe  = merge(local.probe, { periodSeconds = 10, failureThreshold = 6 })
  }

  container = merge({ for key, value in local.answers : key => value if var.port != null }, {
    name  = var.name
    image = var.image
    securityContext = {
      allowPrivilegeEscalation = false
      readOnlyRootFilesystem   = true
      capabilities             = { drop = ["ALL"] }
    }
    resources = {
      requests = { cpu = "100m", memory = "128Mi" }
      limits   = { memory = "512Mi" }
    }
    volumeMounts = [{ name = "tmp", mountPath = "/tmp" }]
    },
    # Further fields of the container, such as { env = ... },
    # pipelinegen:begin container
    # pipelinegen:end
  )

  pod = merge({
    automountServiceAccountToken = false
    # The image must name its user by number. This is the standard "restricted" of Pod Security.
    securityContext = { runAsNonRoot = true, seccompProfile = { type = "RuntimeDefault" } }
    containers      = [local.container]
    volumes         = [{ name = "tmp", emptyDir = {} }]
    },
    # Further fields of the pod, such as { imagePullSecrets = [{ name = "registry" }] },
    # pipelinegen:begin pod
    # pipelinegen:end
  )

  deployment = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = local.metadata
    spec = {
      replicas             = var.replicas
      revisionHistoryLimit = 5
      selector             = { matchLabels = local.selector }
      strategy = {
        type          = "RollingUpdate"
        rollingUpdate = { maxSurge = 1, maxUnavailable = 0 }
      }
      template = {
        metadata = {
          labels = local.selector
          # What was deployed. It stays when a person sets another image by hand.
          annotations = { "pipelinegen.dev/image" = var.image }
        }
        spec = local.pod
      }
    }
  }

  service = {
    apiVersion = "v1"
    kind       = "Service"
    metadata   = local.metadata
    spec = {
      selector = local.selector
      ports    = [{ name = "http", port = 80, targetPort = "http" }]
    }
  }

  # Never blocks the draining of a node for good: one replica may always go.
  disruption_budget = {
    apiVersion = "policy/v1"
    kind       = "PodDisruptionBudget"
    metadata   = local.metadata
    spec = {
      maxUnavailable             = 1
      unhealthyPodEvictionPolicy = "AlwaysAllow"
      selector                   = { matchLabels = local.selector }
    }
  }

  manifest = join("---\n", concat(
    [yamlencode(local.deployment)],
    [for object in [local.service] : yamlencode(object) if var.port != null],
    [for object in [local.disruption_budget] : yamlencode(object) if var.replicas > 1],
  ))
}

# What leaves the configuration leaves the cluster; what only changes is never deleted.
resource "terraform_data" "present" {
  input            = { name = var.name, namespace = var.namespace }
  triggers_replace = [var.name, var.namespace]

  provisioner "local-exec" {
    when        = destroy
    interpreter = ["bash", "-euo", "pipefail", "-c"]
    command     = <<-EOT
      for kind in deployment service poddisruptionbudget; do
        kubectl --namespace "$NAMESPACE" delete "$kind" "$NAME" --ignore-not-found --wait=false
      done
    EOT
    environment = {
      NAME      = self.input.name
      NAMESPACE = self.input.namespace
    }
  }
}

resource "terraform_data" "applied" {
  input            = local.manifest
  triggers_replace = [sha256(local.manifest), var.repair]
  depends_on       = [terraform_data.present]

  # Values come by the environment: none of them is ever a part of the command.
  provisioner "local-exec" {
    interpreter = ["bash", "-euo", "pipefail", "-c"]
    command     = <<-EOT
      kubectl --namespace "$NAMESPACE" apply --server-side --field-manager=pipelinegen --force-conflicts \
        --validate=strict --filename - <<< "$MANIFEST"
    EOT
    environment = {
      NAMESPACE = var.namespace
      MANIFEST  = local.manifest
    }
  }
}
