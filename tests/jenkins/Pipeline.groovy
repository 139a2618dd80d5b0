import java.util.concurrent.Callable
import java.util.concurrent.Executors

/** A block of the Jenkinsfile: what may stand in it are the methods of the class, and nothing else. */
abstract class Section {
  final Build build

  Section(Build build) { this.build = build }

  Object read(Closure body) {
    body.delegate = this
    body.resolveStrategy = Closure.DELEGATE_ONLY
    body.call()
    this
  }

  def methodMissing(String name, arguments) {
    throw new Failed("${getClass().simpleName} knows no ${name}")
  }

  def propertyMissing(String name) { build.script.getProperty(name) }
}

class Pipeline extends Section {
  def held = null
  Options chosen
  Parameters asked
  Triggers started
  Stages all
  Post last
  Closure variables

  Pipeline(Build build) { super(build) }

  void agent(kind) { held = kind }
  def getAny() { 'any' }
  def getNone() { 'none' }
  void options(Closure body) { chosen = new Options(build).read(body) }
  void parameters(Closure body) { asked = new Parameters(build).read(body) }
  void triggers(Closure body) { started = new Triggers(build).read(body) }
  void environment(Closure body) { variables = body }
  void stages(Closure body) { all = new Stages(build).read(body) }
  void post(Closure body) { last = new Post(build).read(body) }

  void run(Closure body) {
    read(body)
    if (held == null || all == null) { throw new Failed('a pipeline has an agent and stages') }
    build.properties.putAll(options: chosen?.found ?: [:], triggers: started?.found ?: [], parameters: asked?.names ?: [])
    asked?.answer()
    try {
      chosen?.around { inAgent { all.run() } } ?: inAgent { all.run() }
    } finally {
      last?.run(all?.error)
    }
    if (all.error) { throw all.error }
  }

  private boolean inAgent(Closure body) {
    def work = { build.within(Variables.set(build, variables), body) }
    held == 'none' ? work() : build.onAgent(work)
    true
  }
}

class Options extends Section {
  final Map<String, Object> found = [:]

  Options(Build build) { super(build) }

  void buildDiscarder(rotator) { found.buildDiscarder = rotator }
  Map logRotator(Map kept) { kept }
  void disableConcurrentBuilds(Map how = [:]) { found.disableConcurrentBuilds = how }
  void skipDefaultCheckout(boolean skip = true) { found.skipDefaultCheckout = skip }
  void skipStagesAfterUnstable() { found.skipStagesAfterUnstable = true }
  void timestamps() { found.timestamps = true }
  void timeout(Map limit) { found.timeout = limit }
  void retry(int count) { found.retry = count }

  /** The options that are blocks around the work. */
  boolean around(Closure body) {
    def work = found.retry ? { build.steps.retry(found.retry, body) } : body
    found.timeout ? build.steps.timeout(found.timeout, work) : work()
    true
  }
}

class Parameters extends Section {
  final Map<String, Object> defaults = [:]
  final Map<String, Object> names = [:]

  Parameters(Build build) { super(build) }

  void string(Map one) { declare(one, 'string', one.defaultValue ?: '') }
  void choice(Map one) { declare(one, 'choice', one.choices[0]) }
  void booleanParam(Map one) { declare(one, 'booleanParam', one.defaultValue ?: false) }

  private void declare(Map one, String kind, value) {
    defaults[one.name] = value
    names[one.name] = [kind: kind, choices: one.choices, 'default': value]
  }

  /** A run that was asked has its answers in `params` and in the environment; another the defaults in `params` alone. */
  void answer() {
    build.params.putAll(defaults)
    (build.world.params ?: [:]).each { name, value ->
      def kind = names[name]
      if (!kind) { throw new Failed("nobody asks for ${name}") }
      if (kind.choices && !(value in kind.choices)) { throw new Failed("${value.inspect()} is no choice for ${name}") }
      build.params[name] = value
      build.frame.env.override(name, value as String)
    }
  }
}

class Triggers extends Section {
  final List<String> found = []

  Triggers(Build build) { super(build) }

  void cron(String spec) {
    if (spec && !Cron.valid(spec)) { throw new Failed("no schedule: ${spec}") }
    found << spec
  }
}

class Variables extends Section {
  final Map<String, String> found = [:]

  Variables(Build build) { super(build) }

  void setProperty(String name, value) { found[name] = value as String }

  static Frame set(Build build, Closure body) {
    def inner = build.frame.copy()
    if (body) { inner.env.overrideExpanding(new Variables(build).read(body).found) }
    inner
  }
}

class Stages extends Section {
  final List<Stage> found = []
  Throwable error = null

  Stages(Build build) { super(build) }

  void stage(String name, Closure body) { found << new Stage(build, name).read(body) }

  void run() {
    found.each {
      boolean unstable = build.result == 'UNSTABLE' && build.properties.options.skipStagesAfterUnstable
      if (error == null && !unstable) { error = it.run() } else { it.skip() }
    }
  }

  void parallel() {
    def threads = Executors.newFixedThreadPool(Math.max(1, found.size()))
    def frame = build.frame
    try {
      def waiting = found.collect { stage ->
        threads.submit({ build.frames.set(frame.copy()); stage.run() } as Callable<Throwable>)
      }
      error = waiting*.get().find()
    } finally {
      threads.shutdown()
    }
  }
}

class Stage extends Section {
  final String name
  def held = null
  Closure asked
  When conditions
  Input question
  Options chosen
  Closure work
  Stages inner
  boolean together = false
  Post last
  Closure variables

  Stage(Build build, String name) {
    super(build)
    this.name = name
  }

  void agent(kind) { held = kind }
  def getAny() { 'any' }
  def getNone() { 'none' }
  void when(Closure body) { asked = body }
  void input(Closure body) { question = new Input(build).read(body) }
  void options(Closure body) { chosen = new Options(build).read(body) }
  void environment(Closure body) { variables = body }
  void steps(Closure body) { work = body }
  void stages(Closure body) { inner = new Stages(build).read(body) }
  void post(Closure body) { last = new Post(build).read(body) }

  void parallel(Closure body) {
    inner = new Stages(build).read(body)
    together = true
  }

  void skip() { build.stages[name] = 'skipped after a failure' }

  /** What went wrong, null where nothing did. */
  Throwable run() {
    build.stages[name] = 'running'
    try {
      chosen?.around { enter() } ?: enter()
    } catch (Failed | Stopped ended) {
      return failed(ended)
    }
    inner?.error
  }

  private void enter() {
    build.within(Variables.set(build, variables)) {
      // What conditions compare is known when the stage is reached.
      conditions = asked ? new When(build).read(asked) : null
      // An approval comes before the conditions, unless these say that they come before it.
      if (question && conditions?.beforeInput && !conditions.hold()) { return passOver() }
      if (question) { build.ask(question.found) }
      if ((held in [null, 'none'] || conditions?.beforeAgent) && conditions && !conditions.hold()) { return passOver() }
      held in [null, 'none'] ? perform() : build.onAgent { conditions?.beforeAgent || conditions?.hold() != false ? perform() : passOver() }
    }
  }

  private void passOver() { build.stages[name] = 'skipped by its conditions' }

  private void perform() {
    Throwable error = null
    try {
      if (work) { build.steps.all(work) }
      if (inner) { together ? inner.parallel() : inner.run() }
      error = inner?.error
    } catch (Failed | Stopped ended) {
      error = failed(ended)
    }
    error = last?.run(error) ?: error
    build.stages[name] = error ? 'failed' : 'done'
    if (error && !inner?.error) { throw error }
  }

  private Throwable failed(Throwable error) {
    build.say("${name}: ${error.message}")
    build.worsen(error instanceof Stopped ? 'ABORTED' : 'FAILURE')
    build.stages[name] = 'failed'
    error
  }
}

class Post extends Section {
  static final ORDER = ['always', 'aborted', 'failure', 'success', 'unstable', 'unsuccessful', 'cleanup']
  final Map<String, Closure> found = [:]

  Post(Build build) { super(build) }

  void always(Closure body) { found.always = body }
  void aborted(Closure body) { found.aborted = body }
  void failure(Closure body) { found.failure = body }
  void success(Closure body) { found.success = body }
  void unstable(Closure body) { found.unstable = body }
  void unsuccessful(Closure body) { found.unsuccessful = body }
  void cleanup(Closure body) { found.cleanup = body }

  /** The first error: the one that was there, else one of these steps. */
  Throwable run(Throwable error) {
    ORDER.findAll { found[it] }.each {
      def now = error instanceof Stopped ? 'ABORTED' : error ? 'FAILURE' : build.result
      def meets = [always: true, cleanup: true, aborted: now == 'ABORTED', failure: now == 'FAILURE',
                   success: now == 'SUCCESS', unstable: now == 'UNSTABLE', unsuccessful: now != 'SUCCESS']
      if (meets[it]) {
        try {
          build.steps.all(found[it])
        } catch (Failed | Stopped ended) {
          build.say("post ${it}: ${ended.message}")
          build.worsen('FAILURE')
          error = error ?: ended
        }
      }
    }
    error
  }
}

class Input extends Section {
  final Map<String, String> found = [:]

  Input(Build build) { super(build) }

  void message(String text) { found.message = text }
  void ok(String text) { found.ok = text }
  void submitter(String names) { found.submitter = names }
}

class When extends Section {
  final List<Closure<Boolean>> found = []
  boolean beforeAgent = false
  boolean beforeInput = false

  When(Build build) { super(build) }

  boolean hold() { found.every { it.call() } }

  void beforeAgent(boolean first) { beforeAgent = first }
  void beforeInput(boolean first) { beforeInput = first }
  void not(Closure body) { def one = inner(body); found << { !one.every { it.call() } } }
  void allOf(Closure body) { def all = inner(body); found << { all.every { it.call() } } }
  void anyOf(Closure body) { def some = inner(body); found << { some.any { it.call() } } }
  void buildingTag() { found << { build.frame.env.TAG_NAME != null } }
  void branch(String pattern) { branch(pattern: pattern) }
  void branch(Map how) { found << { matches(how, how.pattern, build.frame.env.BRANCH_NAME, 'GLOB') } }
  void tag(String pattern) { tag(pattern: pattern) }
  void tag(Map how) { found << { matches(how, how.pattern, build.frame.env.TAG_NAME, 'GLOB') } }
  void triggeredBy(String cause) { found << { build.started(cause) } }
  void equalTo(Map how) { found << { how.expected == how.actual } }
  void environment(Map how) { found << { build.frame.env[how.name] == how.value } }

  void changeRequest(Map how = [:]) {
    def told = [id: 'CHANGE_ID', target: 'CHANGE_TARGET', branch: 'CHANGE_BRANCH', fork: 'CHANGE_FORK']
    found << {
      def env = build.frame.env
      env.CHANGE_ID != null && (how - how.subMap(['comparator'])).every { matches(how, it.value, env[told[it.key]], 'EQUALS') }
    }
  }

  void expression(Closure body) {
    body.delegate = this
    body.resolveStrategy = Closure.DELEGATE_ONLY
    found << { body.call() as boolean }
  }

  private List<Closure<Boolean>> inner(Closure body) { new When(build).read(body).found }

  private static boolean matches(Map how, String pattern, String actual, String usual) {
    if (actual == null) { return false }
    switch (how.comparator ?: usual) {
      case 'EQUALS': return pattern == actual
      case 'REGEXP': return actual ==~ pattern
      case 'GLOB': return actual ==~ Globs.pattern(pattern)
      default: throw new Failed("no comparator: ${how.comparator}")
    }
  }
}

/** Ant's patterns: a star stays within a name, two cross folders. */
class Globs {
  static String pattern(String glob) {
    glob.replaceAll(/\*\*\/|\*\*|\*|\?|[^*?]+/) { part ->
      [('**/'): '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]'][part] ?: java.util.regex.Pattern.quote(part)
    }
  }
}
