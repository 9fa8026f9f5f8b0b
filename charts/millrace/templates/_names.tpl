{{/* What all names begin with: 45 characters leave room for the longest suffix within 63. */}}
{{- define "millrace.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains "millrace" .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-millrace" (.Release.Name | trunc 36 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* Labels of every object; app.kubernetes.io/component is each object's own. */}}
{{- define "millrace.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "millrace.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: millrace
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* What selects the pods of this release; never changes, since selectors are immutable. */}}
{{- define "millrace.selectorLabels" -}}
app.kubernetes.io/name: millrace
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Takes root and image. The digest wins over the tag, the registry of all goes before both. */}}
{{- define "millrace.image" -}}
{{- $tag := .image.tag | default .root.Chart.AppVersion -}}
{{- $version := ternary (printf "@%s" .image.digest) (printf ":%s" $tag) (ne .image.digest "") -}}
{{- $registry := .root.Values.global.imageRegistry | trimSuffix "/" -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ .image.repository }}{{ $version -}}
{{- end -}}

{{/* The namespaces the operator works in, as a JSON list; an empty one means all. */}}
{{- define "millrace.namespaces" -}}
{{- $scope := .Values.watch.scope -}}
{{- if eq $scope "own" -}}
{{- list .Release.Namespace | toJson -}}
{{- else if eq $scope "namespaces" -}}
{{- if not .Values.watch.namespaces -}}
{{- fail "watch.scope is namespaces: watch.namespaces must name at least one" -}}
{{- end -}}
{{- .Values.watch.namespaces | uniq | toJson -}}
{{- else -}}
{{- if .Values.watch.namespaces -}}
{{- fail "watch.namespaces needs watch.scope: namespaces; with the scope cluster it would be ignored" -}}
{{- end -}}
[]
{{- end -}}
{{- end -}}

{{/* Generated rules; names of objects in them are those of this release. Takes root and name. */}}
{{- define "millrace.rules" -}}
{{- tpl (.root.Files.Get (printf "files/rules/%s.yaml" .name)) .root -}}
{{- end -}}
