{{- define "image" -}}
image: ghcr.io/acme/api:1.9.3
{{- end -}}
