"""What the name of a secret, a variable or an environment says about it."""

from __future__ import annotations

import re
from typing import NamedTuple


class Sort(NamedTuple):
    """Kind and target in the contract's words; empty where nothing is said."""

    kind: str
    target: str


NOTHING = Sort("", "")


def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern whose \\b is the edge of a word of a name, which an underscore is not part of."""
    before = re.sub(r"\\b(?=[A-Z(])", "(?<![A-Z0-9])", pattern)
    return re.compile(before.replace(r"\b", "(?![A-Z0-9])"))


# In their order: the first that is found decides.
_RULES: tuple[tuple[re.Pattern[str], Sort], ...] = tuple(
    (_compiled(pattern), Sort(*sort))
    for pattern, sort in (
        (r"DOCKER_HOST|DOCKER_CONTEXT|KNOWN_HOSTS", ("token", "host")),
        (r"WORKLOAD_IDENTITY|WIF_PROVIDER|ROLE_TO_ASSUME|ROLE_ARN", ("oidc", "cloud")),
        (
            (
                r"^(?:SSH_|SERVER_|DEPLOY_|REMOTE_|VPS_)?(?:HOST|USER|PORT|SERVER)$|^(?:SSH|VPS|SERVER)_(?:HOST|USER|"
                r"PORT|IP)"
            ),
            ("token", "host"),
        ),
        (r"KUBE_?CONFIG|KUBE_?CONF\b|K8S_?CONFIG|KUBECONF|KCONFIG", ("kubeconfig", "cluster")),
        (
            (
                r"(?:MANIFEST|GIT_?OPS|CONFIG_REPO|INFRA_REPO|DEPLOY_REPO|FLUX|K8S_REPO|HELM_REPO_GIT|CHARTS?_REPO|"
                r"ENV_REPO).*(?:SSH|DEPLOY_KEY|PRIVATE_KEY)"
            ),
            ("ssh-key", "manifest-repository"),
        ),
        (
            (
                r"(?:MANIFEST|GIT_?OPS|CONFIG_REPO|INFRA_REPO|DEPLOY_REPO|FLUX|K8S_REPO|ENV_REPO|CHARTS?_REPO)"
            ),
            ("token", "manifest-repository"),
        ),
        (r"ARGO_?CD.*(?:PASS|PWD)", ("password", "cluster")),
        (r"ARGO_?CD|ARGOCD", ("token", "cluster")),
        (r"(?:KUBE|K8S|CLUSTER|OPENSHIFT|\bOC|OCP|RANCHER).*(?:PASS|PWD)", ("password", "cluster")),
        (
            (
                r"(?:KUBE|K8S|CLUSTER|OPENSHIFT|\bOC_|OCP|RANCHER).*(?:TOKEN|SECRET|CERT|KEY|SA\b|CRED|AUTH|CA\b)"
            ),
            ("token", "cluster"),
        ),
        (r"(?:PIPELINEGEN_TOKEN|PIPELINEGEN_MANIFEST)", ("token", "manifest-repository")),
        (r"PIPELINEGEN_REGISTRY_PASSWORD", ("password", "registry")),
        (
            (
                r"DOCKER_?HUB|DOCKER|REGISTRY|GHCR|HARBOR|QUAY|NEXUS|ARTIFACTORY|JFROG|\bCR_PAT|\bECR_|\bACR_|\bGAR_|"
                r"DHUB"
            ),
            ("password", "registry"),
        ),
        (
            (
                r"NPM|NODE_AUTH|YARN|PYPI|TWINE|CARGO_REG|CRATES|GEM_HOST|RUBYGEMS|NUGET|OSSRH|SONATYPE|MAVEN|"
                r"GRADLE_PUBLISH|HEX_API|PACKAGIST|POETRY"
            ),
            ("token", "registry"),
        ),
        (r"\bAWS\b|AWS.*(?:KEY|SECRET|TOKEN|CRED)|AWS_ACCESS", ("cloud-key", "cloud")),
        (r"GCP|GCLOUD|GOOGLE|\bGKE|GCR_|GCS_|FIREBASE_SERVICE", ("cloud-key", "cloud")),
        (r"AZURE|\bARM_|\bAKS_", ("cloud-key", "cloud")),
        (r"PUBLISH_?PROFILE", ("cloud-key", "cloud")),
        (
            (
                r"DIGITALOCEAN|\bDO_|HCLOUD|HETZNER|CLOUDFLARE|\bCF_|FLY_|HEROKU|VERCEL|NETLIFY|FIREBASE|SCW_|OVH|"
                r"ALIYUN|ALICLOUD|TENCENT|LINODE|VULTR|RENDER_|RAILWAY|OPENSTACK|\bOS_PASSWORD|IBMCLOUD|IBM_|TF_API|"
                r"TFC_|TF_TOKEN|PULUMI|SERVERLESS|OCI_CLI"
            ),
            ("token", "cloud"),
        ),
        (r"ANSIBLE_?VAULT|VAULT_PASS|BECOME|SUDO_PASS|ANSIBLE_PASS", ("password", "host")),
        (r"ANSIBLE.*KEY|ANSIBLE_SSH", ("ssh-key", "host")),
        (r"CHEF|KNIFE", ("token", "host")),
        (r"PUPPET|\bPE_TOKEN|BOLT", ("token", "host")),
        (r"SSH_?PASS|SSHPASS|SERVER_PASS|HOST_PASS|VPS_PASS|FTP_PASS|SFTP_PASS", ("password", "host")),
        (r"GPG|SIGNING|COSIGN|SIGN_KEY|KEYSTORE|MATCH_PASSWORD|APPLE_|CERT_P12", ("token", "other")),
        (
            (
                r"(?:GH|GITHUB|GITLAB|BITBUCKET|GIT|BOT|CI|RELEASE|RENOVATE|REPO)_?(?:APP)?_?(?:PRIVATE_?KEY|APP_KEY)|"
                r"APP_(?:PRIVATE_)?KEY|\bGH_APP"
            ),
            ("token", "forge"),
        ),
        (r"DEPLOY_?KEY", ("ssh-key", "")),
        (r"SSH.*(?:KEY|ID)|PRIVATE_?KEY|ID_RSA|ID_ED25519|\bPEM\b|_PEM\b|SSH_PRIV|SSH_KEY|\bSSH\b", ("ssh-key", "")),
        (r"(?:SERVER|VPS|HOST|DROPLET|EC2)_?KEY", ("ssh-key", "host")),
        (
            (
                r"SONAR|CODECOV|COVERALLS|SLACK|SENTRY|DISCORD|TEAMS|TELEGRAM|SNYK|DATADOG|\bDD_|NEW_?RELIC|GRAFANA|"
                r"HONEYCOMB|ROLLBAR|CHROMATIC|CYPRESS|PERCY|BROWSERSTACK|SAUCE|CODACY|CODECLIMATE|JIRA|PAGERDUTY|"
                r"OPSGENIE|MAIL|SMTP|TWILIO|STRIPE|ALGOLIA|OPENAI|INFRACOST|TURBO|NX_CLOUD|GRADLE_ENTERPRISE|"
                r"DEVELOCITY|FOSSA|SEMGREP|GITGUARDIAN|VAULT|OP_SERVICE|DOPPLER|INFISICAL|TAILSCALE|\bTS_|OPENVPN|"
                r"WIREGUARD|WEBHOOK|DATABASE|\bDB_|POSTGRES|MYSQL|MONGO|REDIS"
            ),
            ("token", "other"),
        ),
        (
            (
                r"\bPAT\b|_PAT\b|\bGH_|GITHUB|GITLAB|\bGL_|BITBUCKET|GIT_(?:TOKEN|PASS|CRED)|GIT_PUSH|RENOVATE|"
                r"RELEASE_TOKEN|BOT_TOKEN|REPO_TOKEN|PUSH_TOKEN|ACCESS_TOKEN_GIT|PERSONAL_ACCESS"
            ),
            ("token", "forge"),
        ),
        (r"SERVICE_?ACCOUNT|\bSA_KEY|SA_JSON|CLOUD_KEY", ("cloud-key", "cloud")),
        (r"PASS(?:WORD|WD|PHRASE)?\b|\bPWD\b|PASSWORD|_PASS\b|_PW\b", ("password", "")),
        (r"API_?KEY|TOKEN|SECRET|CRED|AUTH(?!OR)|_KEY\b|\bKEY\b|\bJWT|BEARER|CERT", ("token", "")),
    )
)  # fmt: skip
_IDENTIFIES = re.compile(
    r"(?:^|_)(?:HOSTS?|HOSTNAME|USER|USERNAME|USR|LOGIN|PORT|REGION|URL|URI|ENDPOINT|ADDR|ADDRESS|IP|"
    r"ACCOUNT|ACCOUNT_ID|"
    r"PROJECT|PROJECT_ID|PROJECT_NUMBER|CLUSTER|CLUSTER_NAME|NAMESPACE|RESOURCE_GROUP|TENANT|TENANT_ID|CLIENT_ID|"
    r"SUBSCRIPTION|SUBSCRIPTION_ID|ROLE|ROLE_ARN|ARN|KNOWN_HOSTS|BUCKET|BUCKET_NAME|REPOSITORY|REPO|"
    r"REGISTRY|SERVER|ORG|"
    r"ORGANIZATION|APP_ID|APP_NAME|DOMAIN|EMAIL|PATH|DIR|DIRECTORY|NAME|PROVIDER|WIF_PROVIDER|"
    r"WORKLOAD_IDENTITY_PROVIDER|"
    r"SERVICE_ACCOUNT_EMAIL|DISTRIBUTION_ID|ZONE|FINGERPRINT|VERSION|TAG|IMAGE|INSTALLATION_ID|TEAM_ID|"
    r"CHANNEL|CHANNEL_ID|"
    r"ROLE_TO_ASSUME|ID|ORG_ID|SITE_ID|ZONE_ID|PROJECT_KEY|KEY_ID_NOT_SECRET|ENV|ENVIRONMENT)$"
)
_NOT_IDENTIFYING = re.compile(r"ACCESS_KEY|SECRET|KUBE_?CONFIG|PRIVATE")


def words(name: str) -> str:
    """A name in upper case with underscores: `kube-config.prod` and `kubeConfigProd` are KUBE_CONFIG_PROD."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return re.sub(r"[^A-Z0-9]+", "_", parted.upper()).strip("_")


def sort_of(name: str) -> Sort:
    """What a name says; nothing where it could be anything."""
    upper = words(name)
    return next((sort for pattern, sort in _RULES if pattern.search(upper)), NOTHING)


def identifies(name: str) -> bool:
    """Does the name say who or where, and not a secret?"""
    upper = words(name)
    return bool(_IDENTIFIES.search(upper)) and not _NOT_IDENTIFYING.search(upper)


_PLACES = re.compile(
    r"(?<![A-Za-z0-9])(production|prod|prd|staging|stag|stg|development|dev|qa|uat|preprod|pre-prod|"
    r"preproduction|preview|sandbox|canary|live)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(?i)(?:(?:deploy|release|update|bump|promote|rollout|ship|to|the|manifests?|gitops)[-_ :]*)*\w+")
_ODD = frozenset({"live", "dev", "preview", "canary"})


def environment_in(text: str, *, certain: bool = False) -> str:
    """The environment that a text names, in well-known words. certain: only those that mean nothing else."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    found = [match[1] for match in _PLACES.finditer(spaced.replace("_", " "))]
    sure = not certain or _ALONE.fullmatch(text.strip()) is not None
    several = dict.fromkeys(word for word in found if sure or word.lower() not in _ODD)
    return next(iter(several)) if len(several) == 1 else ""
