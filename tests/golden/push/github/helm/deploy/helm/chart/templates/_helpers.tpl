{{- /*
# Written by pipelinegen 0.1.0. To write it again: pipelinegen generate
# Change pipelinegen.yaml, or blocks from pipelinegen:begin to pipelinegen:end.
# Helpers of this chart.
*/ -}}
{{- define "labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
{{- end -}}
{{- define "metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "labels" . | nindent 2 }}
  app.kubernetes.io/instance: {{ .root.Release.Name }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}
{{- define "image" -}}
{{ printf "%s:%s@%s" .repository .tag .digest }}
{{- end -}}
{{- define "probe" -}}
{{- if .healthPath -}}
httpGet:
  path: {{ .healthPath | toJson }}
  port: http
{{- else -}}
tcpSocket:
  port: http
{{- end -}}
{{- end -}}
