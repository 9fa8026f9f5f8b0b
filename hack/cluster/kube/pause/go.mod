module millrace.dev/hack/cluster/kube/pause

go 1.25.0
