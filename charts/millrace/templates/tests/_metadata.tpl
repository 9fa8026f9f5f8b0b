{{- /* Where `helm test` works: in the namespace of the release, or in the first that is watched. */}}
{{- define "millrace.tests.namespace" -}}
{{- $watched := include "millrace.namespaces" . | fromJsonArray -}}
{{- if or (not $watched) (has .Release.Namespace $watched) -}}
{{- .Release.Namespace -}}
{{- else -}}
{{- first $watched -}}
{{- end -}}
{{- end -}}

{{- /* What the pods of `helm test` have. Takes root, namespace and weight. */}}
{{- define "millrace.tests.metadata" -}}
namespace: {{ .namespace }}
labels:
  {{- include "millrace.labels" .root | nindent 2 }}
  app.kubernetes.io/component: test
annotations:
  helm.sh/hook: test
  helm.sh/hook-weight: {{ .weight | quote }}
  # What they said is there to be read until the next test.
  helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}
