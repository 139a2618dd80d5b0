/** Steps as the plugins do them, as far as Jenkinsfiles here use them; every other name is refused. */
class Steps {
  static final NAMES = [
    'archiveArtifacts', 'catchError', 'checkout', 'deleteDir', 'dir', 'echo', 'error', 'fileExists', 'isUnix', 'junit',
    'pwd', 'readFile', 'retry', 'script', 'sh', 'sleep', 'stash', 'timeout', 'unstable', 'unstash', 'warnError',
    'withCredentials', 'withEnv', 'writeFile',
  ] as Set
  static final BINDINGS = ['string', 'file', 'usernamePassword', 'sshUserPrivateKey'] as Set
  static final MILLISECONDS = [MILLISECONDS: 1, SECONDS: 1000, MINUTES: 60_000, HOURS: 3_600_000, DAYS: 86_400_000]
  // What these need is the agent's.
  static final ON_AGENT = ['archiveArtifacts', 'checkout', 'deleteDir', 'dir', 'fileExists', 'isUnix', 'junit', 'pwd',
                           'readFile', 'sh', 'stash', 'unstash', 'writeFile'] as Set

  final Build build

  Steps(Build build) { this.build = build }

  void all(Closure body) {
    body.delegate = this
    body.resolveStrategy = Closure.DELEGATE_ONLY
    body.call()
  }

  def methodMissing(String name, arguments) { step(name, arguments as List) }

  def propertyMissing(String name) { build.script.getProperty(name) }

  def step(String name, List arguments) {
    if (name in BINDINGS) { return [kind: name] + arguments[0] }
    if (name in NAMES) {
      if (name in ON_AGENT && build.frame.workspace == null) { throw new Failed("${name} needs an agent") }
      return this.invokeMethod("do_${name}".toString(), arguments as Object[])
    }
    def function = build.script.metaClass.respondsTo(build.script, name, arguments as Object[])
    if (!function || name in ['run', 'pipeline', 'evaluate', 'invokeMethod', 'print', 'println', 'printf']) {
      throw new Failed("No such DSL method '${name}'")
    }
    build.script.invokeMethod(name, arguments as Object[])
  }

  // Blocks.

  void retry(int count, Closure body) { do_retry(count, body) }

  void timeout(Map limit, Closure body) { do_timeout(limit, body) }

  void do_script(Closure body) { all(body) }

  void do_retry(int count, Closure body) {
    for (int left = count - 1; ; left--) {
      try {
        body.call()
        return
      } catch (Failed failed) {
        if (left == 0) { throw failed }
        build.say("Retrying: ${failed.message}")
      }
    }
  }

  void do_timeout(Map limit, Closure body) {
    long end = System.currentTimeMillis() + limit.time * MILLISECONDS[limit.unit ?: 'MINUTES']
    build.within(build.frame.copy(deadline: Math.min(end, build.frame.deadline)), body)
  }

  void do_withEnv(List variables, Closure body) {
    def inner = build.frame.copy()
    inner.env.overrideExpanding(variables.collectEntries { String each ->
      int at = each.indexOf('=')
      if (at < 1) { throw new Failed("no NAME=value: ${each}") }
      [each.substring(0, at), each.substring(at + 1)]
    })
    build.within(inner, body)
  }

  void do_withCredentials(List bindings, Closure body) {
    def inner = build.frame.copy()
    def files = []
    bindings.each { binding -> bind(binding, inner, files) }
    try {
      build.within(inner, body)
    } finally {
      files*.delete()
    }
  }

  private void bind(Map binding, Frame frame, List<File> files) {
    def held = build.world.credentials?.get(binding.credentialsId)
    if (held?.kind != binding.kind) {
      throw new Failed("Could not find credentials entry with ID '${binding.credentialsId}' of the kind ${binding.kind}")
    }
    def values = [:]
    switch (binding.kind) {
      case 'string': values[binding.variable] = held.secret; break
      case 'usernamePassword':
        values[binding.usernameVariable] = held.username
        values[binding.passwordVariable] = held.secret
        break
      case 'file': values[binding.variable] = secretFile(held, frame, files); break
      case 'sshUserPrivateKey':
        values[binding.keyFileVariable] = secretFile(held, frame, files)
        if (binding.usernameVariable) { values[binding.usernameVariable] = held.username }
        break
    }
    if (held.secret) { build.secrets << held.secret; build.secrets.addAll(held.secret.readLines().findAll { it.size() > 3 }) }
    values.each { name, value -> frame.env.override(name, value) }
  }

  private static String secretFile(Map held, Frame frame, List<File> files) {
    if (!frame.workspace) { throw new Failed('a file needs an agent') }
    def folder = new File(frame.temporary, "secretFiles/${UUID.randomUUID()}")
    folder.mkdirs()
    def file = new File(folder, held.name ?: 'secret')
    file.setText(held.secret, 'UTF-8')
    [[false, false], [true, true]].each { allowed, owner -> file.setReadable(allowed, owner); file.setWritable(allowed, owner) }
    files << file
    file.path
  }

  void do_dir(String path, Closure body) {
    def folder = new File(path).absolute ? new File(path) : new File(build.frame.folder, path)
    build.within(build.frame.copy(folder: folder), body)
  }

  void do_catchError(Map how = [:], Closure body) {
    try {
      body.call()
    } catch (Failed failed) {
      build.say("${how.message ?: ''} ${failed.message}")
      build.worsen(how.buildResult ?: 'FAILURE')
    }
  }

  void do_warnError(String message, Closure body) { do_catchError(buildResult: 'UNSTABLE', message: message, body) }

  // Words.

  void do_echo(String message) { build.say(message) }

  void do_error(String message) { throw new Failed(message) }

  void do_unstable(String message) {
    build.say(message)
    build.worsen('UNSTABLE')
  }

  void do_sleep(Map how) {
    build.slept << how.time * MILLISECONDS[how.unit ?: 'SECONDS'] / 1000
  }

  boolean do_isUnix() { true }

  // Files.

  String do_pwd(Map how = [:]) { how.tmp ? build.frame.temporary.path : build.frame.folder.path }

  void do_deleteDir() { Folders.delete(build.frame.folder) }

  boolean do_fileExists(String path) { new File(build.frame.folder, path).exists() }

  String do_readFile(String path) {
    def file = new File(build.frame.folder, path)
    if (!file.file) { throw new Failed("no file: ${path}") }
    file.getText('UTF-8')
  }

  void do_writeFile(Map how) {
    def file = new File(build.frame.folder, how.file)
    file.parentFile.mkdirs()
    file.setText(how.text, 'UTF-8')
  }

  void do_stash(Map how) {
    def found = files(how.includes ?: '**')
    if (!found && !how.allowEmpty) { throw new Failed("No files included in stash '${how.name}'") }
    build.stashes[how.name] = found.collectEntries { [it, new File(build.frame.folder, it).bytes] }
  }

  void do_unstash(String name) {
    def kept = build.stashes[name]
    if (kept == null) { throw new Failed("No such saved stash '${name}'") }
    kept.each { path, bytes ->
      def file = new File(build.frame.folder, path)
      file.parentFile.mkdirs()
      file.bytes = bytes
    }
  }

  void do_archiveArtifacts(Map how) {
    def found = files(how.artifacts)
    if (!found && !how.allowEmptyArchive) { throw new Failed("No artifacts found that match ${how.artifacts}") }
    build.archived.addAll(found)
  }

  void do_junit(Map how) {
    def found = files(how.testResults)
    if (!found && !how.allowEmptyResults) { throw new Failed('No test report files were found') }
    def cases = found.collectMany { path ->
      new XmlSlurper().parse(new File(build.frame.folder, path)).depthFirst().findAll { it.name() == 'testcase' }
    }
    def failed = cases.count { it.children().any { child -> child.name() in ['failure', 'error'] } }
    build.reports << [files: found, tests: cases.size(), failed: failed]
    if (failed) { build.worsen('UNSTABLE') }
  }

  private List<String> files(String patterns) {
    def wanted = patterns.split(/\s*,\s*/).collect { Globs.pattern(it) }
    Folders.files(build.frame.folder).findAll { path -> !path.startsWith('.git/') && wanted.any { path ==~ it } }
  }

  // Programs.

  void do_checkout(scm) {
    def from = build.world.scm
    [['init', '--quiet', '.'], ['remote', 'add', 'origin', from.url], ['fetch', '--quiet', '--no-tags', 'origin', from.ref],
     ['checkout', '--quiet', '--detach', from.revision ?: 'FETCH_HEAD']].each { words ->
      def said = []
      build.frame.folder.mkdirs()
      int code = Program.run(['git'] + words, build.frame.folder, build.frame.env, build.frame.deadline) { said << it }
      if (code != 0 && words[0] != 'remote') { throw new Failed("git ${words.join(' ')}: ${said.join(' ')}") }
    }
  }

  def do_sh(String script) { do_sh(script: script) }

  def do_sh(Map how) {
    def frame = build.frame
    def control = new File(frame.temporary, "durable-${UUID.randomUUID()}")
    control.mkdirs()
    frame.folder.mkdirs()
    def file = new File(control, 'script.sh')
    file.setText(how.script, 'UTF-8')
    def first = how.script.readLines()[0]
    def shell = first.startsWith('#!') ? first.substring(2).trim().split(/\s+/, 2) as List : ['sh', '-xe']
    def said = []
    build.say("+ ${how.label ?: ''}")
    int code
    try {
      code = Program.run(shell + [file.path], frame.folder, frame.env, frame.deadline) { said << it; build.say(it) }
    } finally {
      Folders.delete(control)
    }
    build.shells << [label: how.label, code: code, script: how.script]
    if (how.returnStatus) { return code }
    if (code != 0) { throw new Failed("${how.label ?: 'sh'}: script returned exit code ${code}") }
    how.returnStdout ? said.join('\n') + '\n' : null
  }
}
