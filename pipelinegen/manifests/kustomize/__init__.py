"""How kustomize puts manifests together: what a kustomization reaches, which image each container gets in the end."""
