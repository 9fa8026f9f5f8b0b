{{/* The operator's configuration file: what is given, and what follows from other values. */}}
{{- define "millrace.operatorConfig" -}}
{{- $config := deepCopy .Values.config -}}
{{- $election := dict "enabled" true "name" (printf "%s-operator" (include "millrace.fullname" .)) -}}
{{- $derived := dict
  "runtimeImage" (include "millrace.image" (dict "root" . "image" .Values.images.runtimes))
  "namespaces" (include "millrace.namespaces" . | fromJsonArray)
  "leaderElection" $election
  "admin" (dict "host" "0.0.0.0" "port" 9090) -}}
{{- mergeOverwrite $config $derived | toPrettyJson -}}
{{- end -}}
