"""What GitHub workflows say: odd forms that are read, and forms that are said to be unknown."""

import pytest

from pipelinegen.errors import InputError
from pipelinegen.pipelines.read.github.expressions import Context, choices, secrets_in
from tests.support.pipelines import credentials, deliveries, facts, reading, unknown

EXPRESSIONS = [
    ("${{ secrets.A }}", ("A",), False, False),
    ("${{secrets.a_b}} x ${{ secrets['C-D'] }}", ("a_b", "C-D"), False, False),
    ("${{ Secrets.A || github.token }}", ("GITHUB_TOKEN", "A"), False, False),
    ("${{ github['token'] }}", ("GITHUB_TOKEN",), False, False),
    ("${{ secrets[format('A_{0}', matrix.x)] }}", (), True, False),
    ("${{ secrets[inputs.name] }}", (), True, False),
    ("${{ toJSON(secrets) }}", (), False, True),
    ("${{ contains('secrets.A', 'x') }}", (), False, False),
    ("secrets.A", (), False, False),
    ("${{ needs.secrets.outputs.x }}", (), False, False),
    ("${{ vars.SECRETS }}", (), False, False),
]


@pytest.mark.parametrize(("text", "names", "computed", "every"), EXPRESSIONS, ids=[each[0] for each in EXPRESSIONS])
def test_secrets_of_an_expression(text: str, names: tuple[str, ...], computed: bool, every: bool) -> None:
    found = secrets_in(text)
    assert (found.names, found.computed, found.every) == (names, computed, every)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${{ inputs.env }}", "production"),
        ("deploy-${{ inputs.env }}", "deploy-production"),
        ("${{ inputs.token }}", "${{ secrets.T }}"),
        ("${{ inputs.env == 'x' && inputs.token }}", "${{ 'production' == 'x' && (secrets.T) }}"),
        ("${{ secrets.key }}", "${{ secrets.REAL }}"),
        ("${{ secrets.other }}", "${{ secrets.other }}"),
        ("${{ inputs.unknown }}", "${{ inputs.unknown }}"),
        ("${{ secrets[inputs.env] }}", "${{ secrets['production'] }}"),
    ],
)
def test_what_the_caller_says_is_put_in(text: str, expected: str) -> None:
    context = Context({"env": "production", "token": "${{ secrets.T }}"}, {"key": "${{ secrets.REAL }}"})
    assert context.resolve(text) == expected


def test_both_sides_of_a_choice_are_possible() -> None:
    assert choices("${{ github.ref == 'x' && 'production' || 'staging' }}") == ["production", "staging"]
    assert choices("production") == ["production"]
    assert choices("${{ vars.ENV }}") == ["${{ vars.ENV }}"]


def job(steps: str, more: str = "") -> str:
    inner = "".join(f"      {line}\n" for line in steps.strip("\n").split("\n"))
    return f"on: push\njobs:\n  x:\n    runs-on: ubuntu-latest\n{more}    steps:\n{inner}"


UNKNOWN = {
    "a computed name": ("- run: echo ${{ secrets[format('A_{0}', github.ref_name)] }}", [6]),
    "all secrets at once": ("- run: echo '${{ toJSON(secrets) }}' | ./x", [6]),
    "an action that is not here": ("- uses: ./.github/actions/nowhere", [6]),
    "a script that is not here": ("- run: ./deploy.sh", [6]),
    "a script from the network": ("- run: curl -s https://x.example/i.sh | bash", [6]),
    "a program in a variable": ("- run: $TOOL apply", [6]),
    "a target of a Makefile that is not here": ("- run: make deploy", [6]),
    "a script of package.json that is not here": ("- run: npm run deploy", [6]),
    "a push without a credential": ("- run: kubectl apply -f x", [6]),
    "secrets of elsewhere": ("- uses: dopplerhq/secrets-fetch-action@v1", [6]),
    "an unknown action with a cluster's secret": (
        "- uses: acme/deploy@v1\n  with:\n    kubeconfig: ${{ secrets.KUBE_CONFIG }}",
        [6],
    ),
    "another pipeline": ("- run: gh workflow run deploy.yml --repo acme/deploy", [6]),
    "a write to some repository": (
        "- run: |\n    git clone https://github.com/acme/website\n    cd website && git push",
        [8],
    ),
}


@pytest.mark.parametrize(("steps", "lines"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_understood_is_said_with_its_line(steps: str, lines: list[int]) -> None:
    assert unknown(facts("github", job(steps))) == lines


UNDERSTOOD = {
    "checks": "- run: npm ci\n- run: npm test\n- run: make test",
    "comments": "# - run: kubectl apply -f x\n- run: |\n    # ./deploy.sh\n    echo done",
    "a word": "- run: echo 'kubectl apply' $(date)",
    "a never": "- if: false\n  run: kubectl apply -f x",
    "an own cluster": "- uses: helm/kind-action@v1\n- run: kubectl apply -f x && helm upgrade a b",
    "compose on the runner": "- run: docker compose up -d && npm run e2e",
    "a bump of the work tree": "- run: pipelinegen bump a=1 --repo . --deliver worktree",
    "a dry bump": "- run: pipelinegen bump a=1 --dry-run",
    "a tag of its own": "- run: git tag v1 && git push origin v1",
    "a mirror": "- run: git push --mirror https://example.com/x.git",
    "an own version": "- run: npm version patch && git push --follow-tags",
}


@pytest.mark.parametrize("steps", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_what_delivers_nothing_is_understood(steps: str) -> None:
    found = facts("github", job(steps))
    assert (deliveries(found), unknown(found)) == ([], [])


DELIVERED = {
    "an image with a tool": (
        "- uses: docker://bitnami/kubectl:1.31\n  with: {args: apply -f k8s}",
        ["- push kubectl x"],
    ),
    "an action with arguments": ("- uses: actions-hub/kubectl@v1\n  with: {args: apply -f k8s}", ["- push kubectl x"]),
    "an action that looks": ("- uses: actions-hub/kubectl@v1\n  with: {args: get pods}", []),
    "ansible's check mode": (
        "- uses: dawidd6/action-ansible-playbook@v2\n  with: {playbook: s.yml, options: --check}",
        [],
    ),
    "a folded script": ("- run: >-\n    kubectl\n    apply -f x", ["- push kubectl x"]),
    "an OCI artifact": ("- run: flux push artifact oci://ghcr.io/acme/m:1 --path=.", ["- pull manifest-repository x"]),
    "a bump": (
        "- run: pipelinegen bump a=1 --env staging --env production",
        ["staging pull manifest-repository x", "production pull manifest-repository x"],
    ),
    "an overlay in its own repository": (
        "- run: |\n    cd overlays/production\n    kustomize edit set image a=b:1\n    git commit -am x\n    git push",
        ["production pull manifest-repository x"],
    ),
    "the API of a forge": (
        "- run: |\n    yq -i '.image.tag=\"1\"' values.yaml\n    curl -X POST https://api.github.com/repos/acme/manifests/pulls -d @b",  # noqa: E501
        ["- pull manifest-repository x"],
    ),
    "a remote engine": ("- run: docker -H ssh://u@h compose up -d", ["- push compose x"]),
    "a remote engine by its variable": (
        "- run: docker compose up -d\n  env: {DOCKER_HOST: 'ssh://u@h'}",
        ["- push compose x"],
    ),
}


@pytest.mark.parametrize(("steps", "expected"), DELIVERED.values(), ids=DELIVERED)
def test_deliveries_in_odd_forms(steps: str, expected: list[str]) -> None:
    assert deliveries(facts("github", job(steps))) == expected


def test_a_script_of_the_repository_is_followed_to_its_line() -> None:
    found = facts(
        "github",
        job("- run: make deploy\n  env: {TOKEN: '${{ secrets.T }}'}"),
        Makefile="IMAGE = x\ndeploy: build\n\t@./go.sh $(IMAGE)\nbuild:\n\tdocker build .\n",
        **{"go.sh": '#!/bin/sh\n# comment\nkubectl --token "$TOKEN" apply -f k8s\n'},
    )
    assert deliveries(found) == ["- push kubectl x"]
    assert [str((place.file, place.line)) for place in found.deliveries[0].evidence] == ["('go.sh', 3)"]
    assert credentials(found) == ["T token stored cluster"]
    assert unknown(found) == []


def test_a_workflow_for_all_sees_its_secret_in_all_jobs() -> None:
    text = """
    on: push
    env:
      KUBECONFIG: ${{ secrets.K }}
    jobs:
      a: {runs-on: x, steps: [{uses: "actions/checkout@v4"}]}
      b: {runs-on: x, container: "alpine:3", steps: [{run: "true"}]}
    """
    (found,) = facts("github", text).credentials
    assert (found.jobs, found.third_party) == (("a", "b"), ("actions/checkout@v4", "alpine:3"))


def test_a_secret_is_visible_to_the_step_that_has_it_and_to_those_behind_it_only_where_it_stays() -> None:
    kept = job(
        "- uses: a/a@v1\n- uses: azure/k8s-set-context@v4\n  with: {kubeconfig: '${{ secrets.K }}'}\n- uses: b/b@v1"
    )
    (found,) = facts("github", kept).credentials
    assert found.third_party == ("azure/k8s-set-context@v4", "b/b@v1")
    not_kept = job("- uses: a/a@v1\n- run: kubectl --token $T get pods\n  env: {T: '${{ secrets.T }}'}\n- uses: b/b@v1")
    (found,) = facts("github", not_kept).credentials
    assert found.third_party == ()


def test_checkout_keeps_its_token_unless_told_not_to() -> None:
    for words, expected in (
        ("", ("actions/checkout@v4", "b/b@v1")),
        (", persist-credentials: false", ("actions/checkout@v4",)),
    ):
        text = job(f"- uses: actions/checkout@v4\n  with: {{token: '${{{{ secrets.T }}}}'{words}}}\n- uses: b/b@v1")
        (found,) = facts("github", text).credentials
        assert found.third_party == expected


def test_identities_are_no_stored_credentials() -> None:
    text = job(
        "- uses: azure/login@v2\n  with: {client-id: '${{ secrets.CLIENT }}', tenant-id: '${{ secrets.TENANT }}'}",
        "    permissions: {id-token: write}\n",
    )
    assert credentials(facts("github", text)) == [
        "CLIENT oidc oidc cloud",
        "TENANT oidc oidc cloud",
        "id-token oidc oidc cloud",
    ]
    static = job("- uses: azure/login@v2\n  with: {creds: '${{ secrets.AZ }}'}")
    assert credentials(facts("github", static)) == ["AZ cloud-key stored cloud"]


def test_secrets_of_a_vault_are_named() -> None:
    text = job(
        "- uses: hashicorp/vault-action@v3\n  with:\n    secrets: |\n      secret/data/p kubeconfig | KUBECONFIG ;"
    )
    assert credentials(facts("github", text)) == ["KUBECONFIG kubeconfig job cluster"]


def test_the_own_token_that_checkout_leaves_is_told_where_it_writes_manifests() -> None:
    text = job("- uses: actions/checkout@v4\n- run: kustomize edit set image a=b && git push")
    assert credentials(facts("github", text)) == ["GITHUB_TOKEN token job manifest-repository"]


def test_an_environment_whose_name_is_computed_is_null_and_unknown() -> None:
    found = facts("github", job("- run: helm upgrade a b", "    environment: ${{ vars.ENV }}\n"))
    assert deliveries(found) == ["- push helm x"]
    assert 5 in unknown(found)


@pytest.mark.parametrize("key", ["on", '"on"', "'on'", "true"])
def test_triggers_are_found_whatever_the_key_is_to_yaml(key: str) -> None:
    text = f"{key}:\n  push: {{branches: [main]}}\n  schedule: [{{cron: '1 2 * * *'}}]\njobs: {{}}\n"
    assert [each.kind for each in reading("github", text).triggers] == ["push", "schedule"]


BROKEN = {
    "a tab": ("on: push\njobs:\n  a:\n\truns-on: x\n", ":4:1"),
    "a repeated key": ("on: push\njobs:\n  a: {}\n  a: {}\n", ":4:3"),
    "NEL": ("on: push # x\x85jobs: {}\njobs: {}\n", ":1:"),
    "no jobs": ("on: push\n", ":1:1"),
    "two documents": ("on: push\njobs: {}\n---\na: b\n", ":1:1"),
    "an alias without anchor": ("on: push\njobs:\n  a: *b\n", ":3:6"),
    "conflict marks": ("on: push\n<<<<<<< ours\njobs: {}\n", ":2:1"),
    "a list": ("- a\n", ":1:1"),
    "nothing": ("", ":1:1"),
    "a bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8))
        + "jobs: {}\n",
        ":6:",
    ),
}


@pytest.mark.parametrize(("text", "place"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_its_system_would_refuse_is_refused_at_its_place(text: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        reading("github", text)
    assert caught.value.id == "bad-pipeline"
    assert caught.value.where is not None
    assert place in caught.value.where


def test_a_byte_order_mark_and_windows_lines_do_no_harm() -> None:
    text = "\ufeff" + job("- run: |\n    echo\n    kubectl apply -f x").replace("\n", "\r\n")
    found = facts("github", text)
    assert [each.line for each in found.deliveries[0].evidence] == [8]


def test_a_variable_that_is_given_to_an_action_is_what_the_action_takes() -> None:
    text = job(
        "- uses: azure/k8s-set-context@v4\n  with: {kubeconfig: '${{ env.CFG }}'}",
        "    env: {CFG: '${{ secrets.PROD }}'}\n",
    )
    assert credentials(facts("github", text)) == ["PROD kubeconfig stored cluster"]


OTHERS = {
    "the options of what runs in a container": "- run: docker run --rm alpine sh -c 'ls'\n- run: docker run -h x alpine",  # noqa: E501
    "a cluster that was made by others": "- run: kind load docker-image x\n- run: kubectl apply -f x",
    "a cluster of its own": "- run: curl -sfL https://get.k3s.io | sh -\n- run: kubectl apply -f x",
}


@pytest.mark.parametrize("steps", OTHERS.values(), ids=OTHERS)
def test_what_real_workflows_do_without_a_delivery(steps: str) -> None:
    assert deliveries(facts("github", job(steps))) == []


def test_a_pull_request_with_documents_is_none_with_manifests() -> None:
    text = job(
        "- uses: actions/checkout@v4\n  with: {repository: acme/website}\n"
        "- run: yq -i '.x = 1' data/pages.yaml\n- uses: peter-evans/create-pull-request@v7"
    )
    found = facts("github", text)
    assert (deliveries(found), unknown(found)) == ([], [9])


def test_a_script_beside_a_script_is_found() -> None:
    found = facts(
        "github",
        job("- run: ./ci/deploy.sh\n  env: {KUBECONFIG: '${{ secrets.K }}'}"),
        **{
            "ci/deploy.sh": '#!/bin/bash\n. "$(dirname "$0")/common.sh"\n',
            "ci/common.sh": "kubectl apply -f k8s\n",
        },
    )
    assert (deliveries(found), unknown(found)) == (["- push kubectl x"], [])


def test_what_is_handed_to_a_workflow_is_seen_where_that_names_it() -> None:
    inner = """
    on: {workflow_call: {secrets: {config: {}}}}
    jobs:
      go:
        runs-on: x
        steps:
          - uses: actions/checkout@v4
          - uses: azure/k8s-set-context@v4
            with: {kubeconfig: "${{ secrets.config }}"}
    """
    text = """
    on: push
    jobs:
      here:
        uses: ./.github/workflows/inner.yml
        secrets: {config: "${{ secrets.PROD }}"}
      there:
        uses: acme/workflows/.github/workflows/x.yml@v1
        secrets: {config: "${{ secrets.PROD }}"}
    """
    (found,) = facts("github", text, **{".github/workflows/inner.yml": inner}).credentials
    assert found.jobs == ("here", "there")
    assert found.third_party == ("azure/k8s-set-context@v4", "acme/workflows/.github/workflows/x.yml@v1")


NOT_READ = {
    "another language": "- shell: python\n  run: import os\n  env: {KUBECONFIG: '${{ secrets.K }}'}",
    "a script of the forge": "- uses: actions/github-script@v7\n  with: {script: 'github.rest.git.updateRef({})'}",
    "a hook": "- run: curl -X POST ${{ secrets.RENDER_DEPLOY_HOOK }}",
    "a request": "- run: 'curl -d x -H \"Authorization: Bearer $T\" https://deploy.example.com'\n  env: {T: '${{ secrets.T }}'}",  # noqa: E501
}


@pytest.mark.parametrize("steps", NOT_READ.values(), ids=NOT_READ)
def test_what_no_shell_tells_is_unknown(steps: str) -> None:
    assert {6, 7} & set(unknown(facts("github", job(steps))))


def test_a_message_to_a_chat_is_none_of_that() -> None:
    assert unknown(facts("github", job("- run: curl -X POST -d x ${{ secrets.SLACK_WEBHOOK }}"))) == []


def test_a_matrix_that_is_made_at_run_time_is_unknown() -> None:
    text = job("- run: npm test", "    strategy:\n      matrix: ${{ fromJSON(needs.a.outputs.m) }}\n")
    assert unknown(facts("github", text)) == [6]
    text = job(
        "- run: npm test", "    strategy:\n      matrix:\n        a: [1]\n        b: ${{ fromJSON(inputs.b) }}\n"
    )
    assert unknown(facts("github", text)) == [8]


def test_our_own_action_is_what_it_runs() -> None:
    text = job(
        "- uses: acme/pipelinegen@v1\n  with:\n    references: ghcr.io/acme/api:1\n    env: production\n"
        "    repo: https://github.com/acme/manifests\n    token: ${{ secrets.T }}"
    )
    found = facts("github", text)
    assert deliveries(found) == ["production pull manifest-repository x"]
    assert credentials(found) == ["T token stored manifest-repository"]
    assert unknown(found) == []
    assert deliveries(facts("github", text.replace("    env:", "    dry-run: true\n          env:"))) == []


def test_an_identity_is_for_what_accepts_it_in_any_of_the_jobs() -> None:
    text = """
    on: push
    permissions: {id-token: write}
    jobs:
      test: {runs-on: x, steps: [{run: npm test}]}
      deploy:
        runs-on: x
        steps:
          - uses: aws-actions/configure-aws-credentials@v4
            with: {role-to-assume: "arn:aws:iam::123456789012:role/x"}
    """
    (found,) = facts("github", text).credentials
    assert (found.name, found.kind, found.stored, found.target, found.jobs) == (
        "id-token",
        "oidc",
        False,
        "cloud",
        ("test", "deploy"),
    )
