{{- /*
What every development backend is made of: a Service, a StatefulSet of one pod with a volume, and a
NetworkPolicy. Context: `root` the chart's, `name` the backend's, `port` what it listens on, `user` the
numeric user of its image.

A backend adds four templates, `millrace.backends.<name>.settings`, `…initContainers`, `…container` and
`…volumes`, which may be empty. Nothing of the chart's version stands in a pod: an upgrade of the chart that changes
no setting restarts no backend.
*/ -}}

{{- define "millrace.backends.fullname" -}}
{{- printf "%s-%s" (include "millrace.fullname" .root | trunc 50 | trimSuffix "-") .name -}}
{{- end -}}

{{- /* Where the others reach it, in full, since the Secret is read in other namespaces too. */ -}}
{{- define "millrace.backends.host" -}}
{{- printf "%s.%s.svc" (include "millrace.backends.fullname" .) .root.Release.Namespace -}}
{{- end -}}

{{- define "millrace.backends.values" -}}
{{- index .root.Values.backends .name | toYaml -}}
{{- end -}}

{{- define "millrace.backends.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: backend
{{- end -}}

{{- define "millrace.backends.labels" -}}
{{ include "millrace.backends.selector" . }}
app.kubernetes.io/part-of: millrace
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "millrace.backends.image" -}}
{{- $values := include "millrace.backends.values" . | fromYaml -}}
{{- include "millrace.image" (dict "root" .root "image" $values.image) -}}
{{- end -}}

{{- define "millrace.backends.workload" -}}
{{- $values := include "millrace.backends.values" . | fromYaml -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "millrace.backends.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "millrace.backends.labels" . | nindent 4 }}
spec:
  selector: {{- include "millrace.backends.selector" . | nindent 4 }}
  ports:
    - { name: main, port: {{ .port }}, targetPort: main, protocol: TCP }
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ include "millrace.backends.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "millrace.backends.labels" . | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ include "millrace.backends.fullname" . }}
  selector:
    matchLabels: {{- include "millrace.backends.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- with .root.Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- include "millrace.backends.selector" . | nindent 8 }}
        app.kubernetes.io/part-of: millrace
      annotations:
        {{- with .root.Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        # Settings are read at the start, so a changed one restarts the pod.
        millrace.dev/settings-hash: {{ include (printf "millrace.backends.%s.settings" .name) . | sha256sum | trunc 16 }}
    spec:
      automountServiceAccountToken: false
      # A Service called …-rabbitmq would otherwise become variables that its server takes for settings.
      enableServiceLinks: false
      {{- include "millrace.pullSecrets" .root | nindent 6 }}
      {{- include "millrace.placement" .root | nindent 6 }}
      terminationGracePeriodSeconds: 60
      securityContext:
        runAsNonRoot: true
        runAsUser: {{ .user }}
        runAsGroup: {{ .user }}
        fsGroup: {{ .user }}
        # Not at each start: a recursive change is slow on large volumes and widens private files.
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile: { type: RuntimeDefault }
      {{- with include (printf "millrace.backends.%s.initContainers" .name) . }}
      initContainers: {{- . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "millrace.backends.image" . }}
          imagePullPolicy: {{ .root.Values.images.pullPolicy }}
          ports:
            - { name: main, containerPort: {{ .port }}, protocol: TCP }
          resources: {{- toYaml $values.resources | nindent 12 }}
          securityContext: {{- include "millrace.containerSecurity" .root | nindent 12 }}
          {{- include (printf "millrace.backends.%s.container" .name) . | nindent 10 }}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- with include (printf "millrace.backends.%s.volumes" .name) . }}
        {{- . | nindent 8 }}
        {{- end }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.backends.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests: { storage: {{ $values.storage }} }
{{- if .root.Values.networkPolicy.enabled }}
---
# Pods of Millrace in any namespace, and nobody else; it asks nobody itself.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "millrace.backends.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "millrace.backends.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "millrace.backends.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - namespaceSelector: {}
          podSelector:
            matchLabels: { app.kubernetes.io/part-of: millrace }
      ports:
        - { port: main, protocol: TCP }
  egress: []
{{- end }}
{{- end -}}
