{{- /*
Passwords of the development backends, as YAML of name and value.

Kept over upgrades: what the Secret in the cluster has is taken from it by `lookup`, and only what it
lacks is made. A tool that renders without a cluster finds nothing there and would change them each
time; `backends.passwordSeed` is for such tools, and makes the same ones always. Hexadecimal, so that
no URL, configuration file or SQL needs to quote them.
*/ -}}

{{- define "millrace.backends.passwordsName" -}}
{{- printf "%s-backends-passwords" (include "millrace.fullname" . | trunc 42 | trimSuffix "-") -}}
{{- end -}}

{{- define "millrace.backends.passwords" -}}
{{- $kept := (lookup "v1" "Secret" .Release.Namespace (include "millrace.backends.passwordsName" .)).data | default dict -}}
{{- $seed := .Values.backends.passwordSeed -}}
{{- range $name := list "postgres-superuser" "postgres-owner" "postgres-app" "valkey" "rabbitmq" "kafka" "s3-access-key" "s3-secret-key" "token" }}
{{- if hasKey $kept $name }}
{{ $name }}: {{ index $kept $name | b64dec | quote }}
{{- else if $seed }}
{{ $name }}: {{ printf "%s/%s" $seed $name | sha256sum | trunc 40 | quote }}
{{- else }}
{{ $name }}: {{ randBytes 32 | b64dec | sha256sum | trunc 40 | quote }}
{{- end }}
{{- end }}
{{- /* Keys of sealed columns: 32 bytes in base64. */}}
{{- range $name := list "sealing-seal" "sealing-index" }}
{{- if hasKey $kept $name }}
{{ $name }}: {{ index $kept $name | b64dec | quote }}
{{- else if $seed }}
{{ $name }}: {{ printf "%s/%s" $seed $name | sha256sum | trunc 32 | b64enc | quote }}
{{- else }}
{{ $name }}: {{ randBytes 32 | quote }}
{{- end }}
{{- end }}
{{- end -}}
