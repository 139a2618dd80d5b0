import groovy.transform.CompileStatic
import java.nio.file.FileVisitResult
import java.nio.file.Files
import java.nio.file.LinkOption
import java.nio.file.Path
import java.nio.file.SimpleFileVisitor
import java.nio.file.attribute.BasicFileAttributes
import org.codehaus.groovy.ast.ClassCodeVisitorSupport
import org.codehaus.groovy.ast.ClassNode
import org.codehaus.groovy.ast.expr.ConstantExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.classgen.GeneratorContext
import org.codehaus.groovy.control.CompilePhase
import org.codehaus.groovy.control.CompilerConfiguration
import org.codehaus.groovy.control.SourceUnit
import org.codehaus.groovy.control.customizers.CompilationCustomizer

/** A step that failed. */
class Failed extends RuntimeException {
  Failed(String message) { super(message) }
}

/** A person, a time-out or a newer run has stopped it. */
class Stopped extends RuntimeException {
  Stopped(String message) { super(message) }
}

/** What a thread of a run stands in. */
class Frame {
  Env env
  File workspace
  File folder
  long deadline = Long.MAX_VALUE

  Frame copy(Map changed = [:]) {
    new Frame([env: new Env(env), workspace: workspace, folder: folder, deadline: deadline] + changed)
  }

  File getTemporary() { new File(workspace.path + '@tmp') }
}

/** One run of a Jenkinsfile on this machine: stages, agents, credentials and shells are real, the controller is this. */
class Build {
  static final ORDER = ['SUCCESS', 'UNSTABLE', 'FAILURE', 'NOT_BUILT', 'ABORTED']

  final Map world
  final File root
  final ThreadLocal<Frame> frames = new ThreadLocal<>()
  final List<String> log = [].asSynchronized()
  final List<Map> shells = [].asSynchronized()
  final Map<String, String> stages = Collections.synchronizedMap([:])
  final Map<String, Object> properties = [:]
  final Map<String, Map<String, byte[]>> stashes = Collections.synchronizedMap([:])
  final List<Map> reports = [].asSynchronized()
  final List<String> archived = [].asSynchronized()
  final Set<String> secrets = Collections.synchronizedSet([] as Set)
  final List<Number> slept = [].asSynchronized()
  private final Set<Integer> agents = [] as Set
  final Steps steps
  String result = 'SUCCESS'
  Map params = [:]
  Script script

  /** world: folder, scm {url, ref, revision}, env, params, cause, credentials, answers {message: {by, refused}}. */
  Build(Map world) {
    this.world = world
    this.root = new File(world.folder as String)
    this.steps = new Steps(this)
  }

  Map run(String text) {
    def kept = System.getenv().findAll { name, value -> name in ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR'] }
    frames.set(new Frame(env: new Env(kept + (world.env ?: [:]))))
    try {
      script = parsed(text)
      script.run()
    } catch (Failed | Stopped ended) {
      say("ERROR: ${ended.message}")
    }
    [result: result, log: log.collect { masked(it) }, shells: shells, stages: stages, properties: properties,
     reports: reports, archived: archived, slept: slept, stashes: stashes.collectEntries { [it.key, it.value.keySet() as List] }]
  }

  private Script parsed(String text) {
    def configuration = new CompilerConfiguration()
    configuration.scriptBaseClass = Declarative.name
    configuration.addCompilationCustomizers(new Renamed())
    def names = [env: new Globals(build: this), params: params, currentBuild: new Current(build: this), scm: 'scm', build: this]
    new GroovyShell(Build.classLoader, new Binding(names), configuration).parse(text, 'Jenkinsfile')
  }

  Frame getFrame() { frames.get() }

  /** Do it in another frame; this thread comes back to the one it was in. */
  Object within(Frame inner, Closure body) {
    def outer = frame
    frames.set(inner)
    try {
      return body.call()
    } finally {
      frames.set(outer)
    }
  }

  void say(String line) { log << line }

  String masked(String text) {
    secrets.findAll().sort { -it.size() }.inject(text) { String shown, secret -> shown.replace(secret, '****') }
  }

  synchronized void worsen(String other) {
    result = [result, other].max { ORDER.indexOf(it) }
  }

  /** A workspace that no other stage has at this time. */
  Object onAgent(Closure body) {
    int number
    synchronized (agents) {
      number = (1..99).find { agents.add(it) }
    }
    def workspace = new File(root, number == 1 ? 'workspace' : "workspace@${number}".toString())
    def inner = frame.copy(workspace: workspace, folder: workspace)
    try {
      [workspace, inner.temporary]*.mkdirs()
      inner.env.putAll(WORKSPACE: workspace.path, WORKSPACE_TMP: inner.temporary.path, NODE_NAME: 'agent')
      return within(inner, body)
    } finally {
      synchronized (agents) { agents.remove(number) }
    }
  }

  boolean started(String cause) {
    def name = (world.cause ?: 'jenkins.branch.BranchEventCause').split(/[.$]/).last()
    name == cause || name == cause + 'Cause'
  }

  /** Is it asked for by somebody who may? A world without an answer is one in which nobody comes. */
  void ask(Map input) {
    def answer = world.answers?.get(input.message)
    if (answer == null) { throw new Stopped("nobody has answered: ${input.message}") }
    def may = (input.submitter ?: '').split(',').collect { it.trim() }.findAll()
    if (may && !(answer.by in may)) { throw new Stopped("${answer.by} may not answer: ${input.message}") }
    say("${input.message} ${answer.refused ? 'refused' : 'approved'} by ${answer.by}")
    if (answer.refused) { throw new Stopped("${answer.by} has refused: ${input.message}") }
  }
}

/** What names such as `env` and `params` stand for. */
class Globals {
  Build build

  def propertyMissing(String name) { build.frame.env[name] }

  def getAt(String name) { build.frame.env[name] }
}

class Current {
  Build build

  List<Map> getBuildCauses(String type = null) {
    def held = build.world.cause ?: 'jenkins.branch.BranchEventCause'
    type == null || type == held ? [[_class: held]] : []
  }

  String getResult() { build.result == 'SUCCESS' ? null : build.result }

  String getCurrentResult() { build.result }
}

/** The script itself: functions of the Jenkinsfile call steps on it. */
abstract class Declarative extends Script {
  def pipeline(Closure body) { new Pipeline(build).run(body) }

  def methodMissing(String name, arguments) { build.steps.step(name, arguments as List) }
}

/** A closure has `equals` of its own, which would hide the condition of that name. */
class Renamed extends CompilationCustomizer {
  Renamed() { super(CompilePhase.CONVERSION) }

  void call(SourceUnit source, GeneratorContext context, ClassNode node) {
    new ClassCodeVisitorSupport() {
      protected SourceUnit getSourceUnit() { source }

      void visitMethodCallExpression(MethodCallExpression called) {
        super.visitMethodCallExpression(called)
        if (called.implicitThis && called.methodAsString == 'equals') { called.method = new ConstantExpression('equalTo') }
      }
    }.visitClass(node)
  }
}

/** Programs, without the reflection that Java's own classes refuse to Groovy 2.4. */
@CompileStatic
class Program {
  /** The exit code, each line given to `heard`. Ended with all its children at the deadline. */
  static int run(List<String> command, File folder, Map<String, String> env, long deadline, Closure heard) {
    ProcessBuilder builder = new ProcessBuilder(command)
    builder.directory(folder)
    builder.environment().clear()
    builder.environment().putAll(env)
    builder.redirectErrorStream(true)
    builder.redirectInput(ProcessBuilder.Redirect.from(new File('/dev/null')))
    Process process = builder.start()
    Thread reader = Thread.start { process.inputStream.eachLine('UTF-8') { String line -> heard.call(line) } }
    long left = deadline - System.currentTimeMillis()
    if (!process.waitFor(Math.max(1L, Math.min(left, 3_600_000L)), java.util.concurrent.TimeUnit.MILLISECONDS)) {
      process.descendants().forEach { ProcessHandle child -> child.destroyForcibly() }
      process.destroyForcibly()
      process.waitFor()
      throw new Stopped('Timeout has been exceeded')
    }
    reader.join(5000)
    process.exitValue()
  }
}

/** Folders that are links are links: nothing behind one is touched. */
@CompileStatic
class Folders {
  static void delete(File folder) {
    Path root = folder.toPath()
    if (!Files.isDirectory(root, LinkOption.NOFOLLOW_LINKS)) { return }
    Files.walkFileTree(root, new SimpleFileVisitor<Path>() {
      FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
        Files.delete(file)
        FileVisitResult.CONTINUE
      }

      FileVisitResult postVisitDirectory(Path directory, IOException error) {
        Files.delete(directory)
        FileVisitResult.CONTINUE
      }
    })
  }

  /** The paths of the files in a folder and below, from there. */
  static List<String> files(File folder) {
    Path root = folder.toPath()
    List<String> found = []
    if (Files.isDirectory(root)) {
      Files.walkFileTree(root, new SimpleFileVisitor<Path>() {
        FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
          found.add(root.relativize(file).toString())
          FileVisitResult.CONTINUE
        }
      })
    }
    found.sort()
  }
}
