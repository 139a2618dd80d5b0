api_image     = "ghcr.io/acme/api:1.9.3@sha256:4e1243bd22c66e76c2ba9eddc1f91394e57f9f83000000000000000000000000"
api_image_dev = "ghcr.io/acme/api:${var.tag}"
