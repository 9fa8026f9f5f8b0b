{{/* Metadata of what exists for a pre-delete hook only. Takes root, name, namespace and weight. */}}
{{- define "millrace.hookMetadata" -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "millrace.labels" .root | nindent 2 }}
  app.kubernetes.io/component: uninstall
annotations:
  helm.sh/hook: pre-delete
  helm.sh/hook-weight: {{ .weight | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
  helm.sh/hook-output-log-policy: hook-failed
{{- end -}}

{{/* A role of the hook and its binding. Takes root, namespace (empty: the whole cluster), name (of the
  account), rules (as text) and suffix. */}}
{{- define "millrace.hookGrant" -}}
{{- $scope := ternary "Cluster" "" (eq .namespace "") }}
{{- $name := printf "%s%s" .name .suffix }}
{{- if $scope }}{{ $name = include "millrace.clusterName" (dict "root" .root "name" $name) }}{{ end }}
{{- $metadata := include "millrace.hookMetadata" (dict "root" .root "name" $name "namespace" .namespace "weight" "-10") }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $scope }}Role
metadata:
  {{- $metadata | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $scope }}RoleBinding
metadata:
  {{- $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $scope }}Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}

{{/* Takes the name of the binding that lets the metrics API register itself. */}}
{{- define "millrace.uninstallServiceRules" -}}
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterrolebindings]
  resourceNames: [{{ . | quote }}]
  verbs: [delete]
- apiGroups: [apiregistration.k8s.io]
  resources: [apiservices]
  resourceNames: [v1beta1.external.metrics.k8s.io]
  verbs: [get, delete]
{{- end -}}
