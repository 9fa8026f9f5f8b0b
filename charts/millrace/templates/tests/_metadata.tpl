{{- /* What each object of `helm test` has. Takes root, namespace, weight, isRemoved. */}}
{{- define "millrace.tests.metadata" -}}
namespace: {{ .namespace }}
labels:
  {{- include "millrace.labels" .root | nindent 2 }}
  app.kubernetes.io/component: test
annotations:
  helm.sh/hook: test
  helm.sh/hook-weight: {{ .weight | quote }}
  # What a failure left is there to be looked at until the next test.
  helm.sh/hook-delete-policy: before-hook-creation{{ if .isRemoved }},hook-succeeded{{ end }}
{{- end }}
