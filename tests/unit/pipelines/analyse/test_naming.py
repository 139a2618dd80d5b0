"""What names say: of secrets, of who and where, of environments."""

import pytest

from pipelinegen.pipelines.analyse.naming import environment_in, identifies, sort_of

SORTS = {
    "KUBE_CONFIG": ("kubeconfig", "cluster"),
    "kubeconfig-prod": ("kubeconfig", "cluster"),
    "kubeConfigProd": ("kubeconfig", "cluster"),
    "K8S_DEPLOY_TOKEN": ("token", "cluster"),
    "K8S_MANIFESTS_TOKEN": ("token", "manifest-repository"),
    "GITOPS_PAT": ("token", "manifest-repository"),
    "MANIFESTS_DEPLOY_KEY": ("ssh-key", "manifest-repository"),
    "ARGOCD_PASSWORD": ("password", "cluster"),
    "DOCKERHUB_TOKEN": ("password", "registry"),
    "npm-token": ("token", "registry"),
    "AWS_SECRET_ACCESS_KEY": ("cloud-key", "cloud"),
    "aws-deploy": ("cloud-key", "cloud"),
    "GCP_SA_KEY": ("cloud-key", "cloud"),
    "AZURE_CREDENTIALS": ("cloud-key", "cloud"),
    "FLY_API_TOKEN": ("token", "cloud"),
    "SSH_PRIVATE_KEY": ("ssh-key", ""),
    "DEPLOY_KEY": ("ssh-key", ""),
    "ANSIBLE_VAULT_PASSWORD": ("password", "host"),
    "SLACK_WEBHOOK": ("token", "other"),
    "SONAR_TOKEN": ("token", "other"),
    "GH_PAT": ("token", "forge"),
    "DB_PASSWORD": ("token", "other"),
    "SOME_PASSWORD": ("password", ""),
    "SOME_TOKEN": ("token", ""),
    "VERSION": ("", ""),
    "PATTERN": ("", ""),
}


@pytest.mark.parametrize(("name", "sort"), SORTS.items(), ids=SORTS)
def test_what_the_name_of_a_secret_says(name: str, sort: tuple[str, str]) -> None:
    assert tuple(sort_of(name)) == sort


@pytest.mark.parametrize(
    "name", ["SSH_HOST", "DEPLOY_USER", "AZURE_TENANT_ID", "AWS_REGION", "serverIp", "KNOWN_HOSTS"]
)
def test_names_of_who_and_where(name: str) -> None:
    assert identifies(name)


@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "KUBE_CONFIG", "SECRET_ID", "SSH_KEY", "TOKEN", "PRIVATE_KEY_PATH"]
)
def test_names_of_secrets(name: str) -> None:
    assert not identifies(name)


ENVIRONMENTS = {
    "apps/shop/overlays/staging/kustomization.yaml": "staging",
    "deploy-production": "production",
    "deployProd": "Prod",
    "values-prod.yaml": "prod",
    "staging then production": "",
    "productive reproduction": "",
    "shop": "",
}


@pytest.mark.parametrize(("text", "name"), ENVIRONMENTS.items(), ids=ENVIRONMENTS)
def test_the_environment_that_a_text_names(text: str, name: str) -> None:
    assert environment_in(text) == name


def test_words_that_mean_more_than_an_environment_count_where_they_stand_alone() -> None:
    assert environment_in("deploy-dev", certain=True) == "dev"
    assert environment_in("Update live documentation of the site", certain=True) == ""
