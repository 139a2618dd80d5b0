"""Commands of scripts: what is one, what it runs, and what it would change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.pipelines.reading import Line, Place
from pipelinegen.pipelines.shell.lexer import commands_of
from pipelinegen.pipelines.shell.tools import effect_of
from pipelinegen.pipelines.shell.unwrap import Unwrapper
from pipelinegen.pipelines.shell.words import Command


def lines(script: str) -> list[Line]:
    return [Line(text, Place("f", number)) for number, text in enumerate(script.split("\n"), 1)]


def run(script: str, shell: str = "", **values: str) -> list[Command]:
    return Unwrapper(values).run(lines(script), shell)


def effects(script: str, shell: str = "", **values: str) -> list[str]:
    """Tool, what is done and the line, of each command that can change something."""
    found = []
    for command in run(script, shell, **values):
        effect = effect_of(command)
        if effect is not None and effect.does != "prepare":
            found.append(f"{effect.tool} {effect.does} {command.place.line}")
    return found


CHANGES = [
    ("kubectl apply -f k8s/", ["kubectl deliver 1"]),
    ("kubectl -n shop --context prod set image deploy/x x=y:1", ["kubectl deliver 1"]),
    ("set -e && cd x && kubectl apply -f - < y", ["kubectl deliver 1"]),
    ("if true; then\n  kubectl apply -f x\nelse\n  helm upgrade a b\nfi", ["kubectl deliver 2", "helm deliver 4"]),
    ("for e in a b; do helm upgrade $e chart; done", ["helm deliver 1"]),
    (
        'case "$E" in\n  prod) terraform apply ;;\n  *) terraform plan ;;\nesac',
        ["terraform deliver 2", "terraform dry 3"],
    ),
    (
        'case "$A" in x86_64 | amd64) kubectl apply -f x ;; arm*) helm upgrade a b ;; esac\nkubectl delete y',
        ["kubectl deliver 1", "helm deliver 1", "kubectl deliver 2"],
    ),
    (
        'case $A in\n  a | b | "c d")\n    kubectl apply -f x\n    ;;\n  # other\n  (*) echo no ;;\nesac',
        ["kubectl deliver 3"],
    ),
    ("cat <<EOF | kubectl apply -f -\nkind: X\nEOF", ["kubectl deliver 1"]),
    ("kubectl apply \\\n  -f x", ["kubectl deliver 1"]),
    ("sudo -E env A=1 timeout 5m kubectl apply -f x", ["kubectl deliver 1"]),
    ('bash -c "kubectl apply -f x"', ["kubectl deliver 1"]),
    ("bash -euo pipefail <<'END'\nkubectl apply -f x\nEND", ["kubectl deliver 2"]),
    ("eval kubectl apply -f x", ["kubectl deliver 1"]),
    ("find . -name '*.yaml' | xargs -n 1 kubectl apply -f", ["kubectl deliver 1"]),
    ("docker run --rm -v $PWD:/w -e K=1 bitnami/kubectl:1.31 apply -f /w", ["kubectl deliver 1"]),
    ("docker run --rm alpine helm upgrade a b", ["helm deliver 1"]),
    ("K=kubectl\n$K apply -f x", ["kubectl deliver 2"]),
    ("$K delete pod x", ["kubectl deliver 1"]),
    ("deploy() {\n  kubectl apply -f $1\n}\ndeploy x", ["kubectl deliver 2"]),
    ('reach() { ssh -i k "$1" "$2"; }\nreach h \'sudo chef-client\'', ["ssh deliver 1", "chef deliver 2"]),
    ('reach() { ssh -i k "$1" "$2"; }\nreach h \'sudo chef-client --why-run\'', ["ssh deliver 1", "chef dry 2"]),
    ("sudo $(command -v cinc-client chef-client) -z", ["chef deliver 1"]),
    ("ssh u@h 'cd /srv && docker compose up -d'", ["ssh deliver 1", "compose deliver 1"]),
    ("ssh -o X=y -p 22 u@h <<EOF\nsystemctl restart x\nEOF", ["ssh deliver 1"]),
    ("scp -i key dist.tgz u@h:/srv", ["ssh deliver 1"]),
    ("rsync -az --delete -e 'ssh -i k' dist/ u@h:/srv", ["ssh deliver 1"]),
    ("sshpass -p $P ssh u@h reboot", ["ssh deliver 1"]),
    ("helm secrets upgrade a b", ["helm deliver 1"]),
    ("helmfile -e prod apply", ["helm deliver 1"]),
    ("terraform -chdir=infra apply -auto-approve", ["terraform deliver 1"]),
    ("terragrunt run-all apply", ["terraform deliver 1"]),
    ("ansible-playbook -i hosts site.yml", ["ansible deliver 1"]),
    ("knife ssh role:web 'sudo chef-client'", ["chef deliver 1"]),
    ("puppet agent -t", ["puppet deliver 1"]),
    ("bolt plan run shop::deploy", ["puppet deliver 1"]),
    ("argocd app sync shop", ["argocd deliver 1"]),
    ("argocd app rollback shop 3", ["argocd undo 1"]),
    ("helm rollback shop 0", ["helm undo 1"]),
    ("kubectl rollout undo deploy/x", ["kubectl undo 1"]),
    ("kubectl rollout restart deploy/x", ["kubectl deliver 1"]),
    ("aws ecs update-service --cluster c --service s", ["cloud deliver 1"]),
    ("aws --region eu-west-1 lambda update-function-code --function-name f", ["cloud deliver 1"]),
    ("aws s3 sync dist s3://bucket --delete", ["cloud deliver 1"]),
    ("gcloud run deploy shop --image x", ["cloud deliver 1"]),
    ("az webapp deploy -g rg -n shop", ["cloud deliver 1"]),
    ("npx serverless deploy", ["cloud deliver 1"]),
    ("oc process -f t | oc apply -f -", ["kubectl deliver 1"]),
    ("skaffold run", ["kubectl deliver 1"]),
]


@pytest.mark.parametrize(("script", "expected"), CHANGES, ids=[script[:50] for script, _ in CHANGES])
def test_what_changes_something_is_found(script: str, expected: list[str]) -> None:
    values = {"K": "kubectl"} if script.startswith("$K") else {}
    assert effects(script, **values) == expected


NOTHING = [
    "# kubectl apply -f x",
    "echo 'kubectl apply -f x'",
    'echo "run kubectl apply -f x; then wait"',
    "printf '%s' \"helm upgrade a b\"",
    "cat <<EOF\nkubectl apply -f x\nEOF",
    "cat <<'EOF' > deploy.txt\nterraform apply\nEOF",
    "command -v kubectl helm",
    "which terraform",
    "kubectl version --client",
    "kubectl kustomize overlays/prod > out.yaml",
    "helm lint chart",
    "helm repo add x https://x",
    "helm dependency update chart",
    "helm package chart && helm push c.tgz oci://r",
    "terraform fmt -check && terraform validate",
    "ansible-playbook --syntax-check site.yml",
    "ansible-playbook --list-hosts site.yml",
    "ssh -T git@github.com",
    "ssh-keyscan h >> ~/.ssh/known_hosts",
    "scp u@h:/srv/file .",
    "rsync -n a/ u@h:/b",
    "rsync a/ b/",
    "docker compose build",
    "docker build -t x . && docker push x",
    "aws sts get-caller-identity",
    "aws s3 cp s3://bucket/x .",
    "aws ecr get-login-password",
    "gcloud auth list",
    "knife node list",
    "puppet parser validate x.pp",
    "argocd version",
    "git commit -m 'kubectl apply'",
    "grep -r 'helm upgrade' .",
    "npm run apply",
]


@pytest.mark.parametrize("script", NOTHING, ids=[script[:50] for script in NOTHING])
def test_what_changes_nothing_is_not_taken_for_a_change(script: str) -> None:
    assert [each for each in effects(script) if " deliver " in each or " undo " in each] == []


DRY = [
    "kubectl apply --dry-run=server -f x",
    "kubectl apply --dry-run=client -f x",
    "kubectl diff -f x",
    "helm upgrade a b --dry-run",
    "helm diff upgrade a b",
    "helmfile diff",
    "terraform plan -detailed-exitcode",
    "ansible-playbook -i h site.yml --check --diff",
    "ansible-playbook -i h site.yml -CD",
    "chef-client --why-run",
    "puppet apply --noop site.pp",
    "argocd app sync x --dry-run",
    "aws cloudformation deploy --no-execute-changeset",
]


@pytest.mark.parametrize("script", DRY)
def test_a_dry_run_is_no_delivery(script: str) -> None:
    (found,) = effects(script)
    assert found.split()[1] == "dry"


def test_dry_run_none_is_a_delivery() -> None:
    assert effects("kubectl apply --dry-run=none -f x") == ["kubectl deliver 1"]


def test_other_shells_are_read_too() -> None:
    assert effects("kubectl --token $env:TOKEN apply `\n  -f x", "pwsh") == ["kubectl deliver 1"]
    assert effects("@echo off\nrem kubectl delete x\nkubectl apply ^\n -f x", "bat") == ["kubectl deliver 3"]


def test_a_pipe_hands_on_what_it_reads() -> None:
    *_, last = run('echo "$CONFIG" | base64 -d | tee ~/.kube/config')
    assert last.reads() == ("CONFIG",)
    assert [each.program for each in last.upstream()] == ["base64", "echo"]


def test_single_quotes_hide_variables_and_double_quotes_do_not() -> None:
    single, double = run("a '$X'\nb \"$Y\"")
    assert (single.reads(), double.reads()) == ((), ("Y",))


def test_expressions_of_the_ci_system_are_one_word() -> None:
    (command,) = run("helm upgrade a b --set 'x=${{ a && 'b' || \"c | d\" }}' -n ${{ github.ref }}")
    assert command.words[-1].text == "${{ github.ref }}"


def test_functions_that_call_each_other_come_to_an_end() -> None:
    assert effects("a() { b; }\nb() { a; kubectl apply -f x; }\na")[:1] == ["kubectl deliver 2"]


@given(st.text(alphabet=st.sampled_from(list("ab $\"'`\\(){}|&;<>#\n=-")), max_size=80))
def test_any_text_is_read_to_its_end(text: str) -> None:
    """No script is too odd: the reading ends, and every command stands on a line of it."""
    for command in Unwrapper({}).run(lines(text)):
        assert 1 <= command.place.line <= text.count("\n") + 1
        effect_of(command)


@given(
    st.lists(
        st.sampled_from(["kubectl apply -f x", "echo y", "# z", "if a; then", "fi", "cat <<E", "E", "f() {", "}"]),
        max_size=8,
    )
)
def test_what_stands_on_a_line_of_its_own_is_never_lost_or_doubled(parts: list[str]) -> None:
    found = [each for each in commands_of(lines("\n".join(parts))) if each.program == "kubectl"]
    assert len(found) <= parts.count("kubectl apply -f x")
    if "cat <<E" not in parts:
        assert len(found) == parts.count("kubectl apply -f x")
