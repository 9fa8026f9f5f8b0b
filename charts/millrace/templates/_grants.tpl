{{/* A role with generated rules and its binding to an account of this chart.
  Takes root, namespace (empty: the whole cluster), name, rules, component, account. */}}
{{- define "millrace.grant" -}}
{{- $scope := ternary "Cluster" "" (eq .namespace "") }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $scope }}Role
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "millrace.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
rules:
  {{- include "millrace.rules" (dict "root" .root "name" .rules) | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $scope }}RoleBinding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "millrace.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $scope }}Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .account }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}


{{/* The same grant wherever the operator works: in the whole cluster, or in each namespace. The role
  of the cluster bears the namespace of the release, since two releases of one name may be installed.
  Takes root, name, component, cluster and namespaced (both names of rules). */}}
{{- define "millrace.grantWhereWatched" -}}
{{- $namespaces := include "millrace.namespaces" .root | fromJsonArray }}
{{- if not $namespaces }}
{{- $name := include "millrace.clusterName" (dict "root" .root "name" .name) }}
---
{{ include "millrace.grant" (dict "root" .root "namespace" "" "name" $name "rules" .cluster "component" .component "account" .name) }}
{{- end }}
{{- range $namespaces }}
---
{{ include "millrace.grant" (dict "root" $.root "namespace" . "name" $.name "rules" $.namespaced "component" $.component "account" $.name) }}
{{- end }}
{{- end -}}

{{/* The name of an object of the whole cluster. */}}
{{- define "millrace.clusterName" -}}
{{- printf "%s:%s" .root.Release.Namespace .name -}}
{{- end -}}

{{- define "millrace.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "millrace.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
# The pods that use it say so themselves.
automountServiceAccountToken: false
{{- end -}}
