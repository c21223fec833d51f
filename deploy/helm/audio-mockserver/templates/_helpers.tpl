{{- define "audio-mockserver.name" -}}
{{- ternary .Release.Name (printf "%s-audio-mockserver" .Release.Name) (contains "audio-mockserver" .Release.Name) | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "audio-mockserver.selector" -}}
app.kubernetes.io/name: audio-mockserver
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "audio-mockserver.labels" -}}
{{ include "audio-mockserver.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "audio-mockserver.redis" -}}
{{- printf "%s-redis" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "audio-mockserver.hasStore" -}}
{{- if or .Values.redis.enabled .Values.redis.url .Values.redis.existingSecret }}yes{{ end }}
{{- end }}

{{/* The option of the store's URL that names the folder for large files. */}}
{{- define "audio-mockserver.blobs" -}}
{{- if .Values.blobs.enabled }}{{ ternary "&" "?" (contains "?" .Values.redis.url) }}blobs=/state/blobs{{ end }}
{{- end }}

{{- define "audio-mockserver.blobClaim" -}}
{{- .Values.blobs.existingClaim | default (printf "%s-blobs" (include "audio-mockserver.name" .)) }}
{{- end }}

{{/* The variables of servers and workers: the settings, the secrets, and the folders that are mounted. */}}
{{- define "audio-mockserver.env" -}}
- {name: MOCKSERVER_HOST, value: "0.0.0.0"}
- {name: MOCKSERVER_PORT, value: "4010"}
- name: MOCKSERVER_CONTROL_TOKEN
  valueFrom:
    secretKeyRef: {name: {{ .Values.control.existingSecret | default (include "audio-mockserver.name" .) }}, key: token}
{{- if .Values.redis.enabled }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ include "audio-mockserver.redis" . }}, key: password}
- {name: MOCKSERVER_STORE, value: "redis://:$(REDIS_PASSWORD)@{{ include "audio-mockserver.redis" . }}:6379/0{{ include "audio-mockserver.blobs" . }}"}
{{- else if .Values.redis.existingSecret }}
- name: MOCKSERVER_STORE
  valueFrom:
    secretKeyRef: {name: {{ .Values.redis.existingSecret }}, key: url}
{{- else if .Values.redis.url }}
- {name: MOCKSERVER_STORE, value: {{ printf "%s%s" .Values.redis.url (include "audio-mockserver.blobs" .) | quote }}}
{{- end }}
{{- if .Values.stubs }}
- {name: MOCKSERVER_STUBS, value: /stubs}
{{- end }}
{{- if .Values.volumes.fixtures }}
- {name: MOCKSERVER_FIXTURES, value: /fixtures}
{{- end }}
{{- range $name, $value := .Values.settings }}
- {name: {{ printf "MOCKSERVER_%s" (upper $name) }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end }}

{{- define "audio-mockserver.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .Values.stubs }}
- {name: stubs, mountPath: /stubs, readOnly: true}
{{- end }}
{{- if .Values.volumes.fixtures }}
- {name: fixtures, mountPath: /fixtures, readOnly: true}
{{- end }}
{{- if .Values.volumes.models }}
- {name: models, mountPath: /models, readOnly: true}
{{- end }}
{{- if .Values.blobs.enabled }}
- {name: blobs, mountPath: /state}
{{- end }}
{{- end }}

{{- define "audio-mockserver.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if .Values.stubs }}
- name: stubs
  configMap: {name: {{ include "audio-mockserver.name" . }}-stubs}
{{- end }}
{{- if .Values.volumes.fixtures }}
- name: fixtures
  persistentVolumeClaim: {claimName: {{ .Values.volumes.fixtures }}, readOnly: true}
{{- end }}
{{- if .Values.volumes.models }}
- name: models
  persistentVolumeClaim: {claimName: {{ .Values.volumes.models }}, readOnly: true}
{{- end }}
{{- if .Values.blobs.enabled }}
- name: blobs
  persistentVolumeClaim: {claimName: {{ include "audio-mockserver.blobClaim" . }}}
{{- end }}
{{- end }}

{{- define "audio-mockserver.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "audio-mockserver.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "audio-mockserver.image" -}}
{{- .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Refuses combinations that cannot work, before anything is installed. */}}
{{- define "audio-mockserver.check" -}}
{{- if and .Values.redis.enabled (or .Values.redis.url .Values.redis.existingSecret) }}
{{- fail "redis: set either redis.enabled, or redis.url or redis.existingSecret with redis.enabled=false." }}
{{- end }}
{{- if and .Values.blobs.enabled (not (include "audio-mockserver.hasStore" .)) }}
{{- fail "blobs: only a store in Redis has its large files in a volume. Set redis.enabled, redis.url or redis.existingSecret, or blobs.enabled=false." }}
{{- end }}
{{- $several := or (gt (int .Values.replicaCount) 1) .Values.autoscaling.enabled (gt (int .Values.worker.replicaCount) 0) }}
{{- if and $several (not (include "audio-mockserver.hasStore" .)) }}
{{- fail "replicaCount: several pods need a store that they share. Set redis.enabled, redis.url or redis.existingSecret, or replicaCount=1." }}
{{- end }}
{{- end }}
