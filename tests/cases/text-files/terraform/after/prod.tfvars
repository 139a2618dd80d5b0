api_image     = "ghcr.io/acme/api:1.10.0"
api_image_dev = "ghcr.io/acme/api:${var.tag}"
