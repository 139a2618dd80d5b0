"""Programs that are known to change no environment by themselves: shells' own words, basic tools, builds and tests."""

from __future__ import annotations

_SHELL = """
: . [ [[ alias bg break builtin cd command continue declare dirs disown echo enable eval exec exit export false fc fg
getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return set
shift shopt source test times trap true type typeset ulimit umask unalias unset until wait function select in do done
"""
_BASIC = """
apk apt apt-get awk base32 base64 basename bc brew bzip2 cat chgrp chmod chown choco cksum clear cmp column comm cp
curl cut date dd df diff dig dir dirname dnf dos2unix dpkg du dnf5 ed egrep env envsubst expr factor fgrep file find
flock fmt fold free gawk getent git-lfs gpg gpg2 grep groups gsed gtar gunzip gzip head hexdump hostname hostnamectl
iconv id install ip jq json less ln locale locale-gen ls lsb_release lscpu lsof md5sum mkdir mkfifo mktemp more mv
nano nc netstat nl nohup nproc nslookup od openssl pacman paste patch perl pgrep ping pkill printenv ps python python3
readlink realpath rev rm rmdir rpm scoop sed seq sha1sum sha256sum sha512sum shasum shuf sleep snap sort split
ssh-add ssh-agent ssh-keygen ssh-keyscan stat strings stty sudo su sync sysctl tac tail tar tee time timeout top touch
tr tree tty uname unexpand uniq unlink unxz unzip update-ca-certificates uptime useradd usermod uuidgen vi vim wc wget
which who whoami xargs xmllint xz yes yq yum zip zcat zstd ss dos2unix unix2dos moreutils sponge ts rg fd bat tput
add-apt-repository apt-key systemd-analyze ldconfig mount umount losetup dmesg modprobe ifconfig route iptables
"""
_WINDOWS = """
write-host write-output set-item get-item get-content set-content out-file new-item remove-item copy-item move-item
test-path invoke-webrequest invoke-restmethod start-sleep get-childitem select-string convertfrom-json convertto-json
import-module install-module add-content expand-archive compress-archive if foreach for call copy del md move rd ren
type xcopy robocopy where taskkill setx title
"""
_BUILD = """
ant bazel bazelisk buck buildah buildctl bundle cargo cmake composer conan conda corepack crane cross dart deno docker
docker-compose dotnet earthly elixir erl executor flutter gcc g++ clang gem go gofmt goreleaser gradle gradlew gulp
grunt hatch hugo java javac jekyll jib just ko lein lerna make maven mage meson mix msbuild mvn mvnw nerdctl ng ninja
nix nix-build nix-shell node npm npx nuget nvm nx oras pack pdm php pip pip3 pipenv pipx pnpm podman poetry protoc
pyenv rake rbenv ruby rustc rustup sbt scala skopeo regctl stack swift syft tox tsc turbo umoci uv uvx vite webpack
xcodebuild yarn zig bun bunx gradle-profiler esbuild rollup parcel tsx ts-node twine wheel semantic-release
release-cli standard-version conventional-changelog cz commitizen git-cliff gitversion minver release-please
pre-commit act mise asdf devbox direnv task invoke nox fvm sdk r rscript julia ghc cabal opam dune ocaml sdkmanager
fastlane pod carthage xcrun agvtool codesign electron-builder wails tauri packer vagrant melange apko kaniko img
cosign notation rekor-cli in-toto slsa-verifier gh glab hub tea git bump2version bumpversion svu changie changelog
"""
_TEST = """
ansible-lint ansible-galaxy ansible-vault ansible-inventory ansible-doc bandit bats black checkov clippy codecov
conftest container-structure-test cookstyle coverage ct cypress dive eslint flake8 gitleaks golangci-lint
govulncheck grype hadolint isort jest jmeter k6 karma kitchen kube-linter kube-score kubeconform kubeval ktlint
locust mocha markdownlint mypy newman opa osv-scanner phpcs phpstan phpunit playwright pluto polaris prettier
puppet-lint pylint pytest pyright ruff rubocop rspec semgrep shellcheck shfmt snyk sonar-scanner spectral staticcheck
terraform-docs terrascan tflint tfsec trivy unittest vitest yamllint zizmor actionlint infracost detekt swiftlint
stylelint commitlint hurl vegeta wrk ab siege nikto zap-cli zap-baseline.py dredd pact pact-broker sentry-cli allure
codeclimate cc-test-reporter coveralls danger reviewdog xmlstarlet ajv check-jsonschema kubent kubescape datree
"""
_DELIVERY = """
kubectl oc k helm helm3 helmfile kustomize terraform tofu terragrunt aws az gcloud gsutil doctl ssh scp rsync sftp
argocd
flux ansible knife ansible-playbook chef puppet bolt vault sops age aws-vault eksctl kops kind minikube k3d k3s
microk8s kubelogin kubectx kubens stern k9s velero sealed-secrets kubeseal pipelinegen jsonnet jb tk ytt kapp kbld
vendir imgpkg kpt cue timoni op doppler chamber ibmcloud oci openstack linode-cli hcloud scw ssm-session ecs-cli
aws-iam-authenticator gke-gcloud-auth-plugin terraform-config-inspect tfenv tfswitch tgenv helm-docs chartmuseum cr
pulumi cdk sam serverless sls cfn-lint rain atlantis spacectl infisical teller sshpass expect autossh nc mysql psql
pg_dump mysqldump redis-cli mongosh sqlite3 flyway liquibase alembic dbmate atlas migrate
"""
KNOWN = frozenset(f"{_SHELL} {_BASIC} {_WINDOWS} {_BUILD} {_TEST} {_DELIVERY}".split())


def is_known(program: str) -> bool:
    """Is a program one of those, or no name of a program at all?"""
    name = program.removesuffix(".exe").lower()
    return name in KNOWN or not name or not name[0].isalpha() or any(char in name for char in "$(){}=*\"'<>:,")
