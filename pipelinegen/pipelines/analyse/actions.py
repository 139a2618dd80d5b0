"""What well-known actions of GitHub do: what they change, what their inputs hold, what they leave behind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

KUBECONFIG = ("kubeconfig", "cluster")
CLUSTER_TOKEN = ("token", "cluster")
CLOUD = ("cloud-key", "cloud")
CLOUD_TOKEN = ("token", "cloud")
REGISTRY = ("password", "registry")
PACKAGES = ("token", "registry")
HOST_KEY = ("ssh-key", "host")
HOST_PASSWORD = ("password", "host")
FORGE = ("token", "forge")
OTHER = ("token", "other")


@dataclass(frozen=True, slots=True)
class Known:
    """One action. inputs: kind and target of what an input holds. keeps: later steps of the job find the credential.

    delivers: the tool by which it changes an environment. repository: the input that names another repository that it
    writes to. local: makes a cluster that ends with the job. oidc: where the job's identity is accepted by it, and the
    inputs whose presence says that a stored key is used instead.
    """

    delivers: str = ""
    verb: str = ""
    inputs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    keeps: bool = False
    writes: bool = False
    repository: str = ""
    local: bool = False
    oidc: str = ""
    stored_by: tuple[str, ...] = ()
    stage: str = ""


def _deploy(tool: str, verb: str = "", keeps: bool = False, **inputs: tuple[str, str]) -> Known:
    return Known(tool, verb, {k.replace("_", "-"): v for k, v in inputs.items()}, keeps, stage="deploy")


def _login(oidc: str = "", stored_by: tuple[str, ...] = (), **inputs: tuple[str, str]) -> Known:
    return Known(inputs={k.replace("_", "-"): v for k, v in inputs.items()}, keeps=True, oidc=oidc, stored_by=stored_by)


def _takes(stage: str = "", **inputs: tuple[str, str]) -> Known:
    return Known(inputs={k.replace("_", "-"): v for k, v in inputs.items()}, stage=stage)


_SSH = {
    "key": HOST_KEY,
    "password": HOST_PASSWORD,
    "passphrase": HOST_KEY,
    "ssh-private-key": HOST_KEY,
    "private-key": HOST_KEY,
}

KNOWN: Mapping[str, Known] = {
    # clusters
    "azure/k8s-set-context": _login(kubeconfig=KUBECONFIG, k8s_secret=CLUSTER_TOKEN),
    "azure/aks-set-context": _login(creds=CLOUD),
    "azure/use-kubelogin": Known(),
    "azure/k8s-deploy": _deploy("kubectl", "k8s-deploy"),
    "azure/k8s-bake": Known(),
    "azure/k8s-create-secret": Known(),
    "azure/setup-kubectl": Known(),
    "azure/setup-helm": Known(),
    "redhat-actions/oc-login": _login(openshift_token=CLUSTER_TOKEN, openshift_password=("password", "cluster")),
    "redhat-actions/oc-new-app": _deploy("kubectl", "new-app"),
    "actions-hub/kubectl": _deploy("kubectl", "kubectl"),
    "steebchen/kubectl": _deploy("kubectl", "kubectl", config=KUBECONFIG),
    "kodermax/kubectl-aws-eks": _deploy("kubectl", "kubectl"),
    "ianbelcher/eks-kubectl-action": _deploy("kubectl", "kubectl", aws_secret_access_key=CLOUD),
    "tale/kubectl-action": _login(base64_kube_config=KUBECONFIG, kubectl_token=CLUSTER_TOKEN),
    "danielr1996/kubectl-action": _deploy("kubectl", "kubectl", kubeconfig=KUBECONFIG),
    "koslib/helm-eks-action": _deploy("helm", "helm"),
    "deliverybot/helm": _deploy("helm", "helm"),
    "bitovi/github-actions-deploy-eks-helm": _deploy("helm", "helm", aws_secret_access_key=CLOUD),
    "wyrihaximus/github-action-helm3": _deploy("helm", "helm", kubeconfig=KUBECONFIG),
    "vimeda/helm": _deploy("helm", "helm"),
    "helmfile/helmfile-action": _deploy("helm", "helmfile"),
    "clowdhaus/argo-cd-action": _deploy("argocd", "argocd"),
    "omegion/argocd-app-actions": _deploy("argocd", "app sync", token=CLUSTER_TOKEN),
    "omegion/argocd-actions": _deploy("argocd", "app sync", token=CLUSTER_TOKEN),
    "helm/kind-action": Known(local=True),
    "engineerd/setup-kind": Known(local=True),
    "medyagh/setup-minikube": Known(local=True),
    "absaoss/k3d-action": Known(local=True),
    "nolar/setup-k3d-k3s": Known(local=True),
    "manusa/actions-setup-minikube": Known(local=True),
    "container-tools/kind-action": Known(local=True),
    "balchua/microk8s-actions": Known(local=True),
    # clouds
    "aws-actions/configure-aws-credentials": _login(
        "cloud",
        ("aws-secret-access-key",),
        aws_access_key_id=CLOUD,
        aws_secret_access_key=CLOUD,
        aws_session_token=CLOUD,
        role_to_assume=("oidc", "cloud"),
    ),
    "aws-actions/amazon-ecr-login": Known(),
    "aws-actions/amazon-ecs-render-task-definition": Known(),
    "aws-actions/amazon-ecs-deploy-task-definition": _deploy("cloud", "ecs deploy"),
    "aws-actions/aws-cloudformation-github-deploy": _deploy("cloud", "cloudformation deploy"),
    "aws-actions/aws-lambda-deploy": _deploy("cloud", "lambda deploy"),
    "einaregilsson/beanstalk-deploy": _deploy("cloud", "elasticbeanstalk", aws_access_key=CLOUD, aws_secret_key=CLOUD),
    "jakejarvis/s3-sync-action": _deploy("cloud", "s3 sync"),
    "google-github-actions/auth": _login(
        "cloud",
        ("credentials_json", "credentials-json"),
        credentials_json=CLOUD,
        workload_identity_provider=("oidc", "cloud"),
        service_account=("oidc", "cloud"),
    ),
    "google-github-actions/setup-gcloud": _login(service_account_key=CLOUD),
    "google-github-actions/get-gke-credentials": _login(credentials=CLOUD),
    "google-github-actions/deploy-cloudrun": _deploy("cloud", "run deploy", credentials=CLOUD),
    "google-github-actions/deploy-appengine": _deploy("cloud", "app deploy", credentials=CLOUD),
    "google-github-actions/deploy-cloud-functions": _deploy("cloud", "functions deploy", credentials=CLOUD),
    "google-github-actions/upload-cloud-storage": _deploy("cloud", "storage upload", credentials=CLOUD),
    "azure/login": _login(
        "cloud",
        ("creds", "client-secret"),
        creds=CLOUD,
        client_id=("oidc", "cloud"),
        tenant_id=("oidc", "cloud"),
        subscription_id=("oidc", "cloud"),
    ),
    "azure/docker-login": _login(password=REGISTRY, username=REGISTRY),
    "azure/webapps-deploy": _deploy("cloud", "webapp deploy", publish_profile=CLOUD),
    "azure/functions-action": _deploy("cloud", "functionapp deploy", publish_profile=CLOUD),
    "azure/container-apps-deploy-action": _deploy(
        "cloud", "containerapp up", azureCredentials=CLOUD, acrPassword=REGISTRY
    ),
    "azure/aci-deploy": _deploy("cloud", "container create", registry_password=REGISTRY),
    "azure/arm-deploy": _deploy("cloud", "deployment create"),
    "azure/bicep-deploy": _deploy("cloud", "deployment create"),
    "azure/static-web-apps-deploy": _deploy(
        "cloud", "staticwebapp", azure_static_web_apps_api_token=CLOUD_TOKEN, repo_token=FORGE
    ),
    "azure/cli": Known(),
    "azure/powershell": Known(),
    "digitalocean/action-doctl": _login(token=CLOUD_TOKEN),
    "digitalocean/app_action": _deploy("cloud", "apps update", token=CLOUD_TOKEN),
    "digitalocean/app_action/deploy": _deploy("cloud", "apps update", token=CLOUD_TOKEN),
    "superfly/flyctl-actions/setup-flyctl": Known(),
    "superfly/flyctl-actions": _deploy("cloud", "fly"),
    "akhileshns/heroku-deploy": _deploy("cloud", "heroku", heroku_api_key=CLOUD_TOKEN),
    "cloudflare/wrangler-action": _deploy("cloud", "wrangler", apiToken=CLOUD_TOKEN, apiKey=CLOUD_TOKEN),
    "cloudflare/pages-action": _deploy("cloud", "pages deploy", apiToken=CLOUD_TOKEN),
    "amondnet/vercel-action": _deploy("cloud", "vercel", vercel_token=CLOUD_TOKEN),
    "nwtgck/actions-netlify": _deploy("cloud", "netlify deploy"),
    "netlify/actions/cli": _deploy("cloud", "netlify"),
    "firebaseextended/action-hosting-deploy": _deploy(
        "cloud", "hosting deploy", firebaseServiceAccount=CLOUD, repoToken=FORGE
    ),
    "serverless/github-action": _deploy("cloud", "serverless deploy"),
    "johnbeynon/render-deploy-action": _deploy("cloud", "render", api_key=CLOUD_TOKEN),
    "actions/deploy-pages": _deploy("cloud", "pages deploy", token=FORGE),
    "pulumi/actions": _deploy("cloud", "pulumi", cloud_url=CLOUD_TOKEN),
    "rancher/rancher-action": _deploy("kubectl", "rancher"),
    "caprover/deploy-from-github": _deploy("cloud", "caprover", token=CLOUD_TOKEN, app_token=CLOUD_TOKEN),
    # terraform
    "hashicorp/setup-terraform": _login(cli_config_credentials_token=CLOUD_TOKEN),
    "opentofu/setup-opentofu": _login(cli_config_credentials_token=CLOUD_TOKEN),
    "hashicorp/tfc-workflows-github/actions/apply-run": _deploy("terraform", "apply-run", token=CLOUD_TOKEN),
    "hashicorp/tfc-workflows-github/actions/create-run": _takes("plan", token=CLOUD_TOKEN),
    "dflook/terraform-apply": _deploy("terraform", "apply"),
    "dflook/terraform-destroy": _deploy("terraform", "destroy"),
    "dflook/terraform-plan": Known(stage="plan"),
    "gruntwork-io/terragrunt-action": _deploy("terraform", "terragrunt"),
    # hosts
    "appleboy/ssh-action": Known("ssh", "ssh", _SSH, stage="deploy"),
    "appleboy/scp-action": Known("ssh", "scp", _SSH, stage="deploy"),
    "easingthemes/ssh-deploy": Known("ssh", "rsync", _SSH, stage="deploy"),
    "burnett01/rsync-deployments": Known(
        "ssh", "rsync", {"remote-key": HOST_KEY, "remote_key": HOST_KEY}, stage="deploy"
    ),
    "fifsky/ssh-action": Known("ssh", "ssh", _SSH | {"pass": HOST_PASSWORD}, stage="deploy"),
    "garygrossgarten/github-action-ssh": Known("ssh", "ssh", _SSH, stage="deploy"),
    "garygrossgarten/github-action-scp": Known("ssh", "scp", _SSH, stage="deploy"),
    "nogsantos/ssh-scp-deploy": Known("ssh", "scp", _SSH, stage="deploy"),
    "wlixcc/sftp-deploy-action": Known("ssh", "sftp", _SSH, stage="deploy"),
    "samkirkland/ftp-deploy-action": _deploy("ssh", "ftp", password=HOST_PASSWORD),
    "wlaurentg/docker-remote-deployment-action": _deploy("compose", "stack deploy", ssh_private_key=HOST_KEY),
    "sagebind/docker-swarm-deploy-action": _deploy("compose", "stack deploy", ssh_private_key=HOST_KEY),
    "serversideup/github-action-docker-swarm-deploy": _deploy(
        "compose", "stack deploy", ssh_deploy_private_key=HOST_KEY
    ),
    "webfactory/ssh-agent": _login(ssh_private_key=("ssh-key", "")),
    "shimataro/ssh-key-action": _login(key=("ssh-key", "")),
    "mrsquaare/ssh-setup-action": _login(private_key=("ssh-key", "")),
    "yakubique/setup-ssh": _login(private_key=("ssh-key", "")),
    "dawidd6/action-ansible-playbook": _deploy(
        "ansible", "ansible-playbook", key=HOST_KEY, vault_password=HOST_PASSWORD
    ),
    "arillso/action.playbook": _deploy(
        "ansible", "ansible-playbook", private_key=HOST_KEY, vault_password=HOST_PASSWORD
    ),
    "actionshub/chef-install": Known(),
    # registries and packages
    "docker/login-action": _login(password=REGISTRY, username=REGISTRY),
    "redhat-actions/podman-login": _login(password=REGISTRY, username=REGISTRY),
    "docker/build-push-action": _takes("build", secrets=("", ""), github_token=FORGE),
    "docker/bake-action": Known(stage="build"),
    "docker/setup-buildx-action": Known(),
    "docker/metadata-action": Known(),
    "mr-smithers-excellent/docker-build-push": _takes("build", password=REGISTRY),
    "redhat-actions/push-to-registry": _takes("release", password=REGISTRY),
    "elgohr/publish-docker-github-action": _takes("release", password=REGISTRY),
    "pypa/gh-action-pypi-publish": Known(
        inputs={"password": PACKAGES}, oidc="registry", stored_by=("password",), stage="release"
    ),
    "js-devtools/npm-publish": _takes("release", token=PACKAGES),
    "jfrog/setup-jfrog-cli": Known(oidc="registry", keeps=True),
    # forges
    "actions/checkout": Known(inputs={"token": FORGE, "ssh-key": ("ssh-key", "forge")}, keeps=True),
    "actions/create-github-app-token": Known(inputs={"private-key": FORGE, "app-id": FORGE}, keeps=True),
    "tibdex/github-app-token": Known(inputs={"private_key": FORGE, "app_id": FORGE}, keeps=True),
    "peter-murray/workflow-application-token-action": Known(inputs={"application_private_key": FORGE}, keeps=True),
    "getsentry/action-github-app-token": Known(inputs={"private_key": FORGE}, keeps=True),
    "peter-evans/create-pull-request": Known(
        inputs={"token": FORGE, "branch-token": FORGE}, writes=True, stage="release"
    ),
    "peter-evans/repository-dispatch": _takes("", token=FORGE),
    "benc-uk/workflow-dispatch": _takes("", token=FORGE),
    "convictional/trigger-workflow-and-wait": _takes("", github_token=FORGE),
    "ad-m/github-push-action": Known(inputs={"github_token": FORGE}, writes=True, repository="repository"),
    "stefanzweifel/git-auto-commit-action": Known(writes=True),
    "endbug/add-and-commit": Known(inputs={"github_token": FORGE}, writes=True),
    "fjogeleit/yaml-update-action": Known(inputs={"token": FORGE}, writes=True, repository="repository"),
    "jacobtomlinson/gha-find-replace": Known(),
    "cpina/github-action-push-to-another-repository": Known(writes=True, repository="destination-repository-name"),
    "dmnemec/copy_file_to_another_repo_action": Known(writes=True, repository="destination_repo"),
    "leigholiver/commit-with-deploy-key": Known(
        inputs={"deploy_key": ("ssh-key", "manifest-repository")}, writes=True, repository="destination_repo"
    ),
    "github-actions-x/commit": Known(inputs={"github-token": FORGE}, writes=True),
    "planetscale/ghcommit-action": Known(writes=True, repository="repo"),
    "repo-sync/pull-request": Known(inputs={"github_token": FORGE}, writes=True),
    "peaceiris/actions-gh-pages": _takes(
        "release", github_token=FORGE, deploy_key=("ssh-key", "forge"), personal_token=FORGE
    ),
    "jamesives/github-pages-deploy-action": _takes("release", token=FORGE, ssh_key=("ssh-key", "forge")),
    "softprops/action-gh-release": _takes("release", token=FORGE),
    "actions/create-release": Known(stage="release"),
    "actions/github-script": _takes("", github_token=FORGE),
    "googleapis/release-please-action": _takes("release", token=FORGE),
    "google-github-actions/release-please-action": _takes("release", token=FORGE),
    "cycjimmy/semantic-release-action": Known(stage="release"),
    "goreleaser/goreleaser-action": Known(stage="release"),
    "changesets/action": Known(stage="release"),
    # secrets of elsewhere
    "hashicorp/vault-action": Known(
        inputs={"token": OTHER, "secretId": OTHER}, oidc="other", stored_by=("token", "secretId"), keeps=True
    ),
    "1password/load-secrets-action": _login(),
    "dopplerhq/secrets-fetch-action": _login(doppler_token=OTHER),
    "infisical/secrets-action": _login(),
    "tailscale/github-action": _login(authkey=OTHER, oauth_secret=OTHER),
    # the rest, which changes nothing
    "codecov/codecov-action": Known(inputs={"token": OTHER}, oidc="other", stage="test"),
    "sonarsource/sonarcloud-github-action": Known(stage="test"),
    "sonarsource/sonarqube-scan-action": Known(stage="test"),
    "sonarsource/sonarqube-quality-gate-action": Known(stage="test"),
    "snyk/actions": Known(stage="test"),
    "aquasecurity/trivy-action": Known(stage="test"),
    "anchore/scan-action": Known(stage="test"),
    "golangci/golangci-lint-action": Known(stage="test"),
    "github/codeql-action": Known(stage="test"),
    "slackapi/slack-github-action": _takes("monitor", webhook=OTHER, token=OTHER),
    "8398a7/action-slack": Known(stage="monitor"),
    "rtcamp/action-slack-notify": Known(stage="monitor"),
    "sigstore/cosign-installer": Known(oidc="other", stage="release"),
    "actions/attest-build-provenance": Known(oidc="other", stage="release"),
    "actions/attest": Known(oidc="other", stage="release"),
    "actions/attest-sbom": Known(oidc="other", stage="release"),
    "slsa-framework/slsa-github-generator": Known(oidc="other", stage="release"),
    "anchore/sbom-action": Known(stage="release"),
    "imranismail/setup-kustomize": Known(),
    "mikefarah/yq": Known(),
    "karancode/kustomize-github-action": Known(),
    "crazy-max/ghaction-import-gpg": _login(gpg_private_key=OTHER, passphrase=OTHER),
    "step-security/harden-runner": Known(),
    "dorny/paths-filter": Known(),
    "tj-actions/changed-files": Known(),
    "nick-fields/retry": Known(),
    "appleboy/telegram-action": Known(stage="monitor"),
    "trstringer/manual-approval": _takes("", secret=FORGE),
}
# Whole families that change no environment: they install, cache, test, comment, tag or notify.
_FAMILIES = """
actions/ actions-rs/ actions-ecosystem/ actions-rust-lang/ github/codeql-action ruby/setup- pnpm/ gradle/
docker/setup- docker/metadata- docker/scout- shivammathur/ snyk/actions swatinem/ dtolnay/ cachix/ cypress-io/
browser-actions/ hadolint/ super-linter/ github/super-linter reviewdog/ bridgecrewio/ checkmarx/
trufflesecurity/ gitleaks/ ossf/ step-security/ wagoid/ amannn/ enricomi/ mikepenz/ dorny/
peter-evans/create-or-update-comment peter-evans/find-comment marocchino/ thollander/ metcalfc/ mathieudutour/
anothrnick/ ncipollo/ geekyeggo/ lycheeverse/ styfle/ bobheadxi/deployments chrnorm/ jitterbit/ ilshidur/
sarisia/ act10ns/ voxmedia/ rtcamp/ 8398a7/ slackapi/ rharkor/ ravsamhq/ tj-actions/ technote-space/
release-drafter/ codacy/ paambaati/ coverallsapp/ sonarsource/ treosh/ microsoft/playwright- microsoft/setup-
google/osv- aquasecurity/ anchore/ fossas/ whelk-io/ haya14busa/ lewagon/ jakebailey/ jwlawson/ jlumbroso/
easimon/ endbug/latest-tag wei/ crazy-max/ghaction-setup-docker mxschmitt/ nick-fields/
"""
_HARMLESS = tuple(_FAMILIES.split())
_INSTALLS = re.compile(r"[\w.-]+/(?:action-)?(?:setup|install)-[\w.-]+")


_OURS = Known(
    inputs={"token": ("token", "manifest-repository"), "registry-password": REGISTRY, "registry-username": REGISTRY}
)


def known(reference: str) -> Known | None:
    """What is known of an action by its reference, without its version and, where needed, its subfolder."""
    name = reference.partition("@")[0].lower()
    if name.endswith("/pipelinegen"):
        return _OURS
    while name:
        if name in KNOWN:
            return KNOWN[name]
        name = name.rpartition("/")[0] if name.count("/") > 1 else ""
    lowered = reference.lower()
    return Known() if lowered.startswith(_HARMLESS) or _INSTALLS.match(lowered) else None


def input_sort(reference: str, holder: str) -> tuple[str, str] | None:
    """Kind and target of what an input of an action holds."""
    action = known(reference)
    if action is None:
        return None
    wanted = holder.lower().replace("_", "-")
    return next((sort for name, sort in action.inputs.items() if name.lower().replace("_", "-") == wanted), None)
