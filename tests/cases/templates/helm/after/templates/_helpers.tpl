{{- define "image" -}}
image: ghcr.io/acme/api:1.10.0
{{- end -}}
