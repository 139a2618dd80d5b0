"""What GitLab pipelines say: includes, inheritance and variables, and what is said to be unknown."""

import pytest

from pipelinegen.errors import InputError
from tests.support.pipelines import credentials, deliveries, facts, reading, unknown


def test_extends_merges_mappings_and_replaces_lists() -> None:
    text = """
    .a: {image: "one:1", variables: {X: "1", Y: "2"}, script: [kubectl get pods]}
    .b: {extends: .a, variables: {Y: "3"}}
    c:
      extends: [.b]
      script: ["kubectl apply -f $X-$Y"]
    """
    (job,) = reading("gitlab", text).jobs
    assert {each.name: each.value for each in job.variables} == {"X": "1", "Y": "3"}
    assert [line.text for line in job.steps[0].script] == ["kubectl apply -f $X-$Y"]
    assert [image.name for image in job.images] == ["one:1"]


def test_references_are_followed_wherever_they_stand() -> None:
    text = """
    .s: {script: [one, [two, three]], rules: [{when: manual}]}
    a:
      script:
        - !reference [.s, script]
        - helm upgrade a b
      rules: !reference [.s, rules]
    """
    (job,) = reading("gitlab", text).jobs
    assert [line.text for line in job.steps[0].script] == ["one", "two", "three", "helm upgrade a b"]
    assert [each.how for each in job.approvals] == ["manual"]


def test_defaults_are_inherited_unless_they_are_not() -> None:
    text = """
    default: {image: "d:1", before_script: [echo $DEPLOY_TOKEN]}
    a: {script: [x]}
    b: {script: [x], inherit: {default: false}}
    c: {script: [x], inherit: {default: [image]}}
    d: {script: [x], before_script: []}
    """
    found = facts("gitlab", text)
    assert [each.jobs for each in found.credentials] == [("a",)]
    assert [[image.name for image in job.images] for job in found.reading.jobs] == [["d:1"], [], ["d:1"], ["d:1"]]


def test_merge_keys_keep_the_places_of_what_they_bring() -> None:
    text = """
    .base: &base
      script:
        - kubectl --token $KUBE_TOKEN apply -f x
    a:
      <<: *base
      environment: production
    """
    (delivery,) = facts("gitlab", text).deliveries
    assert (delivery.environment, delivery.evidence[0].line) == ("production", 3)


INCLUDES = {
    "a file": (
        "include: ci/a.yml",
        {"ci__a_yml": "x: {script: [helm upgrade a b --kubeconfig $K]}"},
        ["- push helm x"],
        [],
    ),
    "a leading slash": (
        "include: [{local: /ci/a.yml}]",
        {"ci__a_yml": "x: {script: [helm upgrade a b --kubeconfig $K]}"},
        ["- push helm x"],
        [],
    ),
    "a pattern": (
        "include: {local: 'ci/*.yml'}",
        {"ci__a_yml": "x: {script: [helm upgrade a b --kubeconfig $K]}"},
        ["- push helm x"],
        [],
    ),
    "inputs": (
        "include: [{local: ci/a.yml, inputs: {env: production}}]",
        {
            "ci__a_yml": "spec: {inputs: {env: {}, ns: {default: shop}}}\n---\nx:\n  environment: $[[ inputs.env ]]\n  script:\n    - helm upgrade a b -n $[[ inputs.ns ]] --kubeconfig $K"  # noqa: E501
        },
        ["production push helm x"],
        [],
    ),
    "a file that is not here": ("include: ci/b.yml\na: {script: [x]}", {}, [], [1]),
    "another project": ("include: [{project: a/b, file: /x.yml}]\na: {script: [x]}", {}, [], [1]),
    "a remote file": ("include: https://x.example/a.yml\na: {script: [x]}", {}, [], [1]),
    "a template": ("include: [{template: X.gitlab-ci.yml}]\na: {script: [x]}", {}, [], [1]),
    "a component": ("include: [{component: $CI_SERVER_FQDN/a/b@1}]\na: {script: [x]}", {}, [], [1]),
    "a computed name": ("include: ci/$X.yml\na: {script: [x]}", {}, [], [1]),
    "a parent that is not here": ("a: {extends: .gone, script: [x]}", {}, [], [1]),
    "a reference to nothing": ("a: {script: [!reference [.gone, script], x]}", {}, [], [1]),
    "another pipeline": ("a: {trigger: b/c}", {}, [], [1]),
    "a mapping in a script": ('a:\n  script:\n    - echo "a: b"\n    - sed s/x: y/', {}, [], [3, 4]),
    "an input without a value": (
        'spec: {inputs: {env: {}}}\n---\na:\n  script: ["true"]\n  environment: $[[ inputs.env ]]',
        {},
        [],
        [5],
    ),
}


@pytest.mark.parametrize(("text", "files", "delivered", "lines"), INCLUDES.values(), ids=INCLUDES)
def test_files_that_are_brought_in(text: str, files: dict[str, str], delivered: list[str], lines: list[int]) -> None:
    found = facts("gitlab", text, **files)
    assert (deliveries(found), unknown(found)) == (delivered, lines)


VARIABLES = {
    "a name that says so": ("echo $SONAR_TOKEN", ["SONAR_TOKEN token stored other"]),
    "a use that says so": ("docker login -u x -p $HUB", ["HUB password stored registry"]),
    "a file that it is written to": ("echo $STUFF > ~/.kube/config", ["STUFF kubeconfig stored cluster"]),
    "an agent that it is added to": ("echo $STUFF | tr -d x | ssh-add -", ["STUFF ssh-key stored host"]),
    "another name for it": ("export KUBECONFIG=$PROD", ["PROD kubeconfig stored cluster"]),
    "an address with it": (
        "git push https://x:$WORD@example.com/acme/manifests.git",
        ["WORD token stored manifest-repository"],
    ),
    "the job's own": ("docker login -p $CI_REGISTRY_PASSWORD x", ["CI_REGISTRY_PASSWORD password job registry"]),
    "the job's token": ('curl -H "JOB-TOKEN: $CI_JOB_TOKEN" $CI_API_V4_URL/x', ["CI_JOB_TOKEN token job forge"]),
    "a deploy token": ("docker login -p $CI_DEPLOY_PASSWORD x", ["CI_DEPLOY_PASSWORD password stored registry"]),
    "no secret": ("echo $CI_COMMIT_SHA $APP_VERSION $HOME $NAMESPACE", []),
    "set by the script": ("export TOKEN=$(cat f) && echo $TOKEN", []),
    "read by the script": ("read SECRET_KEY && echo $SECRET_KEY", []),
    "a loop": ("for KEY in a b; do echo $KEY; done", []),
    "single quotes": ("echo '$DEPLOY_TOKEN' >/dev/null # and not here", ["DEPLOY_TOKEN token stored unknown"]),
    "a comment": ("# echo $DEPLOY_TOKEN", []),
    "a user and a host": ("ssh $DEPLOY_USER@$SERVER_HOST uptime", []),
}


@pytest.mark.parametrize(("script", "expected"), VARIABLES.values(), ids=VARIABLES)
def test_variables_that_no_file_declares(script: str, expected: list[str]) -> None:
    text = f"a:\n  script:\n    - |\n      {script}\n"
    assert credentials(facts("gitlab", text)) == expected


def test_declared_variables_are_followed_to_what_they_are_made_from() -> None:
    text = """
    variables:
      KUBECONFIG: $PROD_CONFIG_FILE
      NAME: shop
    a: {script: [kubectl apply -f x]}
    b: {script: [echo $NAME]}
    """
    (found,) = facts("gitlab", text).credentials
    assert (found.name, found.kind, found.jobs) == ("PROD_CONFIG_FILE", "kubeconfig", ("a", "b"))


def test_a_secret_in_clear_is_told() -> None:
    text = """
    variables:
      DB_PASSWORD: hunter2hunter2
      DEPLOY_TOKEN_FILE: /tmp/x.txt
      USE_TOKENS: "true"
      TOKEN_URL: "https://x.example"
    a: {script: [x]}
    """
    (found,) = facts("gitlab", text).credentials
    assert (found.name, found.life, found.stored, found.note) == (
        "DB_PASSWORD",
        "file",
        True,
        "stands in clear in the file",
    )


def test_tokens_that_are_signed_or_fetched_for_the_job() -> None:
    text = """
    a:
      id_tokens: {VAULT_ID_TOKEN: {aud: x}}
      secrets: {KUBE_TOKEN: {vault: production/k8s/token@ops}}
      script: [kubectl --token $KUBE_TOKEN apply -f x]
    """
    assert credentials(facts("gitlab", text)) == ["VAULT_ID_TOKEN oidc oidc other", "KUBE_TOKEN token job cluster"]


def test_environments_are_named_by_variables_and_by_a_matrix() -> None:
    text = """
    variables: {TIER: production}
    a: {environment: $TIER, script: [helm upgrade a b --kubeconfig $K]}
    b: {environment: {name: review/$CI_COMMIT_REF_SLUG}, script: [helm upgrade a b --kubeconfig $K]}
    c: {environment: $E, parallel: {matrix: [{E: [one, two]}]}, script: [helm upgrade a b --kubeconfig $K]}
    d: {environment: {name: production, action: verify}, script: [curl -f https://x.example/health]}
    """
    assert deliveries(facts("gitlab", text)) == [
        "production push helm a",
        "review/$CI_COMMIT_REF_SLUG push helm b",
        "one push helm c",
        "two push helm c",
    ]


def test_jobs_that_never_run_are_left_out() -> None:
    text = """
    a: {script: [kubectl apply -f x], rules: [{when: never}]}
    .b: {script: [kubectl apply -f x]}
    c: {script: [x], rules: [{if: $A, when: never}, {when: always}]}
    """
    assert [job.id for job in reading("gitlab", text).jobs] == ["c"]


def test_the_order_is_that_of_the_stages_and_needs() -> None:
    text = """
    stages: [one, two]
    c: {stage: two, script: [x], needs: [a]}
    b: {stage: two, script: [x]}
    a: {stage: one, script: [x]}
    z: {stage: one, script: [x]}
    """
    assert {job.id: job.needs for job in reading("gitlab", text).jobs} == {
        "a": (),
        "z": (),
        "b": ("a", "z"),
        "c": ("a",),
    }


def test_code_of_others_are_the_images_and_not_those_of_the_project() -> None:
    text = """
    a: {image: "$CI_REGISTRY_IMAGE/tools:1", services: ["docker:dind"], script: [echo $DEPLOY_TOKEN]}
    """
    (found,) = facts("gitlab", text).credentials
    assert found.third_party == ("docker:dind",)


@pytest.mark.parametrize("text", ["[]", "a", "variables: {A: b}\nstages: [a]", "a: 1"], ids=repr)
def test_a_file_without_a_job_is_none(text: str) -> None:
    with pytest.raises(InputError):
        reading("gitlab", text)


def test_hundreds_of_aliases_are_usual() -> None:
    jobs = "".join(f"j{number}: {{<<: *base, variables: *shared}}\n" for number in range(300))
    text = f".base: &base {{script: [x]}}\n.v: &shared {{A: b}}\n{jobs}"
    assert len(reading("gitlab", text).jobs) == 300


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a:\n  environment: production\n  script: [create-release shop chart]", [3]),
        ("a:\n  script:\n    - echo $KUBE_CONFIG > ~/.kube/config\n    - roll-out shop", [4]),
        ("a:\n  script: [create-release shop chart]", []),
        ("a:\n  environment: production\n  script: [echo x, npm ci, ls | sort]", []),
    ],
)
def test_a_program_that_is_not_known_is_no_proof_of_nothing(text: str, lines: list[int]) -> None:
    assert unknown(facts("gitlab", text)) == lines


@pytest.mark.parametrize("name", ["GITLAB_TOKEN", "CI_PUSH_TOKEN", "CI_SSH_PRIVATE_KEY"])
def test_secrets_that_are_named_like_those_of_the_system_are_seen(name: str) -> None:
    (found,) = facts("gitlab", f"a:\n  script:\n    - echo ${name} > secret.txt\n").credentials
    assert (found.name, found.stored) == (name, True)


def test_a_folder_named_by_a_variable_of_the_job_names_the_environment() -> None:
    text = """
    .g: {script: [cd env/$ENV, kustomize edit set image a=b:1, "git push https://x:$GITOPS_TOKEN@h.example/acme/gitops.git"]}
    one: {extends: .g, variables: {ENV: staging}}
    two: {extends: .g, variables: {ENV: production}}
    """
    assert deliveries(facts("gitlab", text)) == [
        "staging pull manifest-repository one",
        "production pull manifest-repository two",
    ]


def test_what_is_handed_on_as_a_secret_is_one_whatever_its_name() -> None:
    text = "a:\n  variables: {AWS_ACCESS_KEY_ID: $PROD_ID, AWS_REGION: $PROD_REGION}\n  script: [terraform apply]\n"
    assert credentials(facts("gitlab", text)) == ["PROD_ID cloud-key stored cloud"]
