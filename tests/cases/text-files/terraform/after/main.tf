resource "kubernetes_deployment" "api" {
  # image = "ghcr.io/acme/api:1.9.3"
  spec {
    container {
      name  = "api"
      image = "ghcr.io/acme/api:1.10.0" # was "ghcr.io/acme/api:1.9.2"
    }
  }
}
/*
  image = "ghcr.io/acme/api:1.9.3"
*/
locals { images = ["ghcr.io/acme/api:1.10.0", "ghcr.io/acme/web:1.9.3", "x-ghcr.io/acme/api:1.9.3"] }
