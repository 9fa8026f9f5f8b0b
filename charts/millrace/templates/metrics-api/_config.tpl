{{/* The configuration file of the metrics API: it looks where the operator works. */}}
{{- define "millrace.metricsApiConfig" -}}
{{- dict
  "namespaces" (include "millrace.namespaces" . | fromJsonArray)
  "logLevel" .Values.config.logLevel
  "admin" (dict "host" "0.0.0.0" "port" 9090)
  "listen" (dict "host" "0.0.0.0" "port" 8443) | toPrettyJson -}}
{{- end -}}
