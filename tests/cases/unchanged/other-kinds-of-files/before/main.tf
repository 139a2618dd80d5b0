image = "ghcr.io/acme/api:1.9.3"
