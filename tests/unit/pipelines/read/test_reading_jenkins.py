"""What Jenkinsfiles say: declarative and scripted ones, every way to a credential, and what is said to be unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.errors import InputError
from pipelinegen.pipelines.read.jenkins.syntax import parse
from pipelinegen.pipelines.read.jenkins.tokens import Broken, tokens_of
from tests.support.pipelines import credentials, deliveries, facts, reading, unknown


def stage(steps: str) -> str:
    return f"pipeline {{\n agent any\n stages {{\n  stage('Deploy') {{\n   steps {{\n{steps}\n   }}\n  }}\n }}\n}}\n"


WAYS = {
    "a file": (
        "withCredentials([file(credentialsId: 'kube', variable: 'KUBECONFIG')]) { sh 'kubectl apply -f x' }",
        ["kube kubeconfig stored cluster"],
    ),
    "a text": (
        'withCredentials([string(credentialsId: "t", variable: "T")]) { sh "kubectl --token=$T apply -f x" }',
        ["t token stored cluster"],
    ),
    "a user with a password": (
        "withCredentials([usernamePassword(credentialsId: 'hub', usernameVariable: 'U', passwordVariable: 'P')]) { sh 'echo $P | docker login -u $U --password-stdin' }",  # noqa: E501
        ["hub password stored registry"],
    ),
    "a key": (
        "withCredentials([sshUserPrivateKey(credentialsId: 'k', keyFileVariable: 'K')]) { sh 'ssh -i $K u@h reboot' }",
        ["k ssh-key stored host"],
    ),
    "by its class": (
        "withCredentials([[$class: 'AmazonWebServicesCredentialsBinding', credentialsId: 'aws']]) { sh 'aws ecs update-service' }",  # noqa: E501
        ["aws cloud-key stored cloud"],
    ),
    "without brackets": (
        "withCredentials(bindings: [string(credentialsId: 'argocd', variable: 'X')]) { sh 'argocd app sync a --auth-token $X' }",  # noqa: E501
        ["argocd token stored cluster"],
    ),
    "an agent": ("sshagent(['key']) { sh 'ssh u@h reboot' }", ["key ssh-key stored host"]),
    "an agent with a name": ("sshagent(credentials: ['key']) { sh 'scp a u@h:b' }", ["key ssh-key stored host"]),
    "a kubeconfig": (
        "withKubeConfig([credentialsId: 'k']) { sh 'kubectl apply -f x' }",
        ["k kubeconfig stored cluster"],
    ),
    "a registry": (
        "script { docker.withRegistry('https://r', 'login') { docker.image('a').push() } }",
        ["login password stored registry"],
    ),
    "a checkout": ("git url: 'https://x/y.git', credentialsId: 'forge-login'", ["forge-login token stored forge"]),
    "a checkout by its class": (
        "checkout([$class: 'GitSCM', userRemoteConfigs: [[url: 'https://x/y.git', credentialsId: 'gl']]])",
        ["gl token stored forge"],
    ),
    "a plugin of Ansible": ("ansiblePlaybook playbook: 'a.yml', credentialsId: 'ans'", ["ans ssh-key stored host"]),
    "a plugin of AWS": (
        "withAWS(credentials: 'a', region: 'r') { s3Upload(bucket: 'b') }",
        ["a cloud-key stored cloud"],
    ),
    "a plugin for SSH": (
        "sshPublisher(publishers: [sshPublisherDesc(configName: 'web', transfers: [sshTransfer(execCommand: 'x')])])",
        ["web ssh-key stored host"],
    ),
    "a plugin for Kubernetes": ("kubernetesDeploy(kubeconfigId: 'kc', configs: 'x')", ["kc kubeconfig stored cluster"]),
    "in another block": (
        "withEnv(['A=b']) { dir('x') { retry(3) { withCredentials([file(credentialsId: 'kube', variable: 'F')]) { withEnv([\"KUBECONFIG=$F\"]) { sh 'kubectl apply -f x' } } } } }",  # noqa: E501
        ["kube kubeconfig stored cluster"],
    ),
    "in a condition": (
        "script { if (env.A == 'b') { withKubeConfig([credentialsId: 'k']) { sh 'helm upgrade a b' } } else { echo 'no' } }",  # noqa: E501
        ["k kubeconfig stored cluster"],
    ),
    "in a loop": (
        "script { ['a', 'b'].each { name -> withKubeConfig([credentialsId: 'k']) { sh \"helm upgrade ${name} c\" } } }",
        ["k kubeconfig stored cluster"],
    ),
}


@pytest.mark.parametrize(("steps", "expected"), WAYS.values(), ids=WAYS)
def test_every_way_to_a_credential(steps: str, expected: list[str]) -> None:
    assert credentials(facts("jenkins", stage(steps))) == expected


def test_credentials_of_the_environment_are_visible_in_all_stages_below() -> None:
    text = """
    pipeline {
      agent { docker { image 'tools:1'; args '-v x' } }
      environment { KUBECONFIG = credentials('kube-prod') }
      stages {
        stage('A') { steps { echo 'x' } }
        stage('B') { environment { T = credentials('npm-token') } steps { sh 'npm publish' } }
      }
    }
    """
    found = facts("jenkins", text)
    assert [(each.name, each.jobs, each.third_party) for each in found.credentials] == [
        ("kube-prod", ("A", "B"), ("tools:1",)),
        ("npm-token", ("B",), ("tools:1",)),
    ]


UNKNOWN = {
    "a library": ("@Library('x') _\nnode { stage('A') { sh 'true' } }", [1]),
    "a step of nowhere": (stage("    deployToProduction()"), [6]),
    "a step with arguments": (stage("    deployTo 'production', wait: true"), [6]),
    "a class": (stage("    script { def d = new com.acme.Deployer(this); d.deploy() }"), [6]),
    "another job": (stage("    build job: 'deploy', wait: true"), [6]),
    "a Groovy file": (stage("    script { def x = load 'deploy.groovy'; x.run() }"), [6]),
    "a made script": (stage("    sh scriptFor(env.X)"), [6]),
    "a made id": (stage('    withKubeConfig([credentialsId: "kube-${env.X}"]) { sh "kubectl apply -f x" }'), [6]),
    "an id in a variable": (stage("    withKubeConfig([credentialsId: KUBE]) { sh 'kubectl apply -f x' }"), [6]),
    "a file of the repository": (stage("    sh './deploy.sh'"), [6]),
    "a push without a credential": (stage("    sh 'kubectl apply -f x'"), [6]),
    "made bindings": (stage("    withCredentials(bindingsFor('x')) { sh 'true' }"), [6]),
}


@pytest.mark.parametrize(("text", "lines"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_understood_is_said_with_its_line(text: str, lines: list[int]) -> None:
    assert unknown(facts("jenkins", text)) == lines


UNDERSTOOD = {
    "usual steps": "checkout scm\n echo 'x'\n sh 'mvn -B verify'\n junit '**/*.xml'\n archiveArtifacts artifacts: 'a'\n cleanWs()",  # noqa: E501
    "strings": "script { def a = 'x'.trim().split(','); echo a.join('-'); println(a.size()) }",
    "a method of its own": "script { say('x') }",
    "a comment": "// deployToProduction()\n /* sh 'kubectl apply' */ sh 'true'",
    "a word": "sh 'echo kubectl apply'",
    "properties": "script { currentBuild.displayName = \"#${env.BUILD_NUMBER}\"; if (currentBuild.result == null) { echo 'x' } }",  # noqa: E501
}


@pytest.mark.parametrize("steps", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_usual_groovy_is_understood(steps: str) -> None:
    text = "def say(what) {\n  echo what\n}\n" + stage(steps)
    found = facts("jenkins", text)
    assert (unknown(found), deliveries(found)) == ([], [])


def test_approvals_are_directives_and_steps() -> None:
    text = """
    pipeline { agent any; stages {
      stage('A') { input { message 'x'; submitter 'ops' } steps { sh 'true' } }
      stage('B') { steps { input message: 'y', submitter: 'lead' } }
    } }
    """
    assert [[(each.how, each.who) for each in job.approvals] for job in reading("jenkins", text).jobs] == [
        [("input", "ops")],
        [("input", "lead")],
    ]


def test_the_order_of_parallel_and_nested_stages() -> None:
    text = """
    pipeline { agent any; stages {
      stage('A') { steps { sh 'true' } }
      stage('P') { parallel {
        stage('B') { steps { sh 'true' } }
        stage('C') { stages { stage('D') { steps { sh 'true' } } } }
      } }
      stage('E') { steps { sh 'true' } }
    } }
    """
    jobs = {job.id: job.needs for job in reading("jenkins", text).jobs}
    assert jobs == {"A": (), "B": ("A",), "D": ("A",), "E": ("B", "D")}


def test_lines_of_scripts_in_all_kinds_of_text() -> None:
    text = stage(
        "    sh '''\n"
        "      true\n"
        "      kubectl apply -f a\n"
        "    '''\n"
        '    sh(script: """\n'
        "      helm upgrade a b\n"
        '    """, returnStdout: true)\n'
        "    sh 'true\\nkubectl delete pod x'\n"
        "    sh 'kubectl ' +\n"
        "       'scale deploy/x'"
    )
    found = facts("jenkins", text)
    assert [place.line for each in found.deliveries for place in each.evidence] == [8, 13, 14, 11]


def test_scripted_pipelines_have_stages_too() -> None:
    text = """
    node('linux') {
      checkout scm
      stage('Build') { docker.build('acme/x') }
      withKubeConfig([credentialsId: 'k']) {
        stage('Staging') { sh 'helm upgrade a b' }
        parallel(one: { stage('One') { sh 'true' } }, two: { stage('Two') { sh 'kubectl apply -f x' } })
      }
    }
    """
    found = facts("jenkins", text)
    assert deliveries(found) == ["Staging push helm Staging", "- push kubectl Two"]
    assert [each.jobs for each in found.credentials] == [("Staging", "One", "Two")]


BROKEN = {
    "an open brace": ("pipeline {\n agent any\n", ":1:"),
    "an open text": ("pipeline {\n echo 'x\n}", ":2:"),
    "an open long text": ("pipeline {\n sh '''\n x\n}", ":2:"),
    "one brace too many": ("node { }\n}\n", ":2:"),
    "nothing": ("echo", ":1:1"),
}


@pytest.mark.parametrize(("text", "place"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_jenkinsfile_is_refused_at_its_place(text: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        reading("jenkins", text)
    assert caught.value.where is not None
    assert place in caught.value.where


@given(st.text(alphabet=st.sampled_from(list("ab'\"\\/$ {}()[]\n:,.=;@#-+?")), max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        line = max(token.line for token in tokens_of(text))
        parse(text)
    except Broken as error:
        line = error.line
    assert 1 <= line <= text.count("\n") + 1


def test_a_method_gets_the_words_of_its_call() -> None:
    text = """
    def deployTo(String where, id, int tries = 3) {
      withCredentials([kubeconfigFile(credentialsId: id, variable: 'KUBECONFIG')]) {
        sh "helm upgrade --install shop chart -f values-${where}.yaml"
      }
    }
    node {
      stage('One') { deployTo('staging', 'kube-staging') }
      stage('Two') { deployTo('production', 'kube-production') }
      stage('Three') { deployTo('production', env.ID) }
    }
    """
    found = facts("jenkins", text)
    assert deliveries(found) == ["staging push helm One", "production push helm Two", "production push helm Three"]
    assert [(each.name, each.jobs) for each in found.credentials] == [
        ("kube-staging", ("One",)),
        ("kube-production", ("Two",)),
        ("id", ("Three",)),
    ]
    assert unknown(found) == [2]


def test_a_matrix_of_environments_has_a_delivery_for_each() -> None:
    text = """
    pipeline { agent any; stages { stage('All') { matrix {
      axes { axis { name 'ENVIRONMENT'; values 'staging', 'production' } axis { name 'OS'; values 'linux' } }
      stages { stage('Deploy') { steps {
        withKubeConfig([credentialsId: 'k']) { sh 'helm upgrade a b -f $ENVIRONMENT.yaml' }
      } } }
    } } } }
    """
    assert deliveries(facts("jenkins", text)) == ["staging push helm Deploy", "production push helm Deploy"]
