{{/* Parts of NetworkPolicies. */}}

{{/* Takes root, name and component. */}}
{{- define "millrace.policyMetadata" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "millrace.fullname" .root }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "millrace.labels" .root | nindent 4 }}
    app.kubernetes.io/component: network
{{- end -}}

{{/* The pods of this chart by their components. Takes root and components. */}}
{{- define "millrace.policyPods" -}}
podSelector:
  matchLabels:
    {{- include "millrace.selectorLabels" .root | nindent 4 }}
  matchExpressions:
    - { key: app.kubernetes.io/component, operator: In, values: {{ .components | toJson }} }
{{- end -}}

{{/* The pods that the operator makes, in the namespaces where it works. */}}
{{- define "millrace.runtimePeers" -}}
{{- $namespaces := include "millrace.namespaces" . | fromJsonArray -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/part-of: millrace
      app.kubernetes.io/managed-by: millrace-operator
  {{- if $namespaces }}
  namespaceSelector:
    matchExpressions:
      - { key: kubernetes.io/metadata.name, operator: In, values: {{ $namespaces | toJson }} }
  {{- else }}
  namespaceSelector: {}
  {{- end }}
{{- end -}}
