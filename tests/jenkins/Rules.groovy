import org.codehaus.groovy.ast.CodeVisitorSupport
import org.codehaus.groovy.ast.ModuleNode
import org.codehaus.groovy.ast.expr.*
import org.codehaus.groovy.ast.stmt.*

/** What a declarative Jenkinsfile may hold, by the tree that Jenkins' own Groovy makes of it, and the house's rules. */
class Rules {
  static final TIME_UNITS = ['NANOSECONDS', 'MICROSECONDS', 'MILLISECONDS', 'SECONDS', 'MINUTES', 'HOURS', 'DAYS'] as Set
  static final COMPARATORS = ['EQUALS', 'GLOB', 'REGEXP'] as Set
  static final POSTS = ['always', 'changed', 'fixed', 'regression', 'aborted', 'failure', 'success', 'unstable',
                        'unsuccessful', 'notBuilt', 'cleanup'] as Set
  // Word: the named arguments that it takes, with "!" those that it must have; "" is a value without a name.
  static final OPTIONS = [
    buildDiscarder: ['!'], checkoutToSubdirectory: ['!'], disableConcurrentBuilds: ['abortPrevious'], disableResume: [],
    durabilityHint: ['!'], newContainerPerStage: [], overrideIndexTriggers: ['!'], parallelsAlwaysFailFast: [],
    preserveStashes: ['buildCount'], quietPeriod: ['!'], retry: ['!'], skipDefaultCheckout: [''],
    skipStagesAfterUnstable: [], timeout: ['time!', 'unit', 'activity'], timestamps: [],
  ]
  // What every pipeline of the house says.
  static final WANTED = ['buildDiscarder', 'disableConcurrentBuilds', 'skipDefaultCheckout', 'timeout', 'timestamps']
  static final STAGE_OPTIONS = ['retry', 'skipDefaultCheckout', 'timeout', 'timestamps'] as Set
  static final DISCARDER = ['daysToKeepStr', 'numToKeepStr', 'artifactDaysToKeepStr', 'artifactNumToKeepStr']
  static final TRIGGERS = [cron: ['!'], pollSCM: ['!'], upstream: ['upstreamProjects!', 'threshold']]
  static final PARAMETERS = [
    string: ['name!', 'defaultValue', 'description', 'trim'], text: ['name!', 'defaultValue', 'description'],
    booleanParam: ['name!', 'defaultValue', 'description'], choice: ['name!', 'choices!', 'description'],
    password: ['name!', 'defaultValue', 'description'],
  ]
  static final CONDITIONS = [
    branch: ['?pattern', 'comparator'], buildingTag: [], tag: ['?pattern', 'comparator'],
    changeRequest: ['id', 'target', 'branch', 'fork', 'url', 'title', 'author', 'authorDisplayName', 'authorEmail',
                    'comparator'],
    changelog: ['!'], changeset: ['?pattern', 'comparator', 'caseSensitive'], environment: ['name!', 'value!'],
    equals: ['expected!', 'actual!'], triggeredBy: ['?cause', 'detail'], isRestartedRun: [],
  ]
  static final NESTED = [not: 1, allOf: -1, anyOf: -1]
  static final BEFORE = ['beforeAgent', 'beforeInput', 'beforeOptions'] as Set
  static final INPUT = ['message', 'id', 'ok', 'submitter', 'submitterParameter', 'parameters'] as Set
  // Steps of the plugins that SETUP.md asks for. A block is said by "{}".
  static final STEPS = [
    archiveArtifacts: ['?artifacts', 'allowEmptyArchive', 'excludes', 'fingerprint', 'onlyIfSuccessful'],
    catchError: ['buildResult', 'stageResult', 'message', 'catchInterruptions', '{}'], checkout: ['!'], deleteDir: [],
    dir: ['!', '{}'], echo: ['?message'], error: ['?message'], fileExists: ['?file'], isUnix: [],
    junit: ['?testResults', 'allowEmptyResults', 'keepLongStdio', 'skipPublishingChecks'],
    milestone: ['ordinal', 'label'], pwd: ['tmp'], readFile: ['?file', 'encoding'], retry: ['!', '{}'],
    sh: ['?script', 'label', 'returnStatus', 'returnStdout', 'encoding'], sleep: ['?time', 'unit'],
    stash: ['?name', 'includes', 'excludes', 'useDefaultExcludes', 'allowEmpty'],
    timeout: ['time!', 'unit', 'activity', '{}'], unstable: ['?message'], unstash: ['?name'],
    warnError: ['!', '{}'], withCredentials: ['!', '{}'], withEnv: ['!', '{}'],
    writeFile: ['file!', 'text!', 'encoding'], script: ['{}'],
  ]
  static final BINDINGS = [
    string: ['credentialsId!', 'variable!'], file: ['credentialsId!', 'variable!'],
    usernamePassword: ['credentialsId!', 'usernameVariable!', 'passwordVariable!'],
    sshUserPrivateKey: ['credentialsId!', 'keyFileVariable!', 'passphraseVariable', 'usernameVariable'],
  ]
  // What a script must not do behind the steps' back.
  static final FORBIDDEN = ['evaluate', 'execute', 'Eval', 'GroovyShell', 'Runtime', 'ProcessBuilder', 'load'] as Set

  final List<String> problems = []
  final Set<String> stageNames = []
  Set<String> functions = []
  Map<String, Integer> scripts = [:]  // how many each function runs itself

  static List<String> of(ModuleNode module) {
    def rules = new Rules()
    rules.file(module)
    rules.problems
  }

  void say(node, String what) {
    problems << "${node.lineNumber}:${node.columnNumber}: ${what}".toString()
  }

  void file(ModuleNode module) {
    functions = module.methods.collect { it.name } as Set
    module.methods.each {
      def counted = new Shells()
      it.code.visit(counted)
      scripts[it.name] = counted.count
    }
    module.methods.each { script(it.code, it.parameters*.name) }
    def blocks = module.statementBlock.statements.findAll { invoked(it)?.methodAsString == 'pipeline' }
    if (blocks.size() != 1) {
      problems << "1:1: one pipeline block is wanted, here are ${blocks.size()}".toString()
    }
    module.statementBlock.statements.each {
      def declares = it instanceof ExpressionStatement && it.expression instanceof DeclarationExpression
      if (!declares && !blocks.contains(it)) {
        say(it, 'beside the pipeline only functions and declarations may stand')
      }
    }
    blocks.each { pipeline(it) }
    module.statementBlock.visit(new Interpolations(this))
    module.methods.each { it.code.visit(new Interpolations(this)) }
  }

  // Sections.

  void pipeline(Statement statement) {
    def sections = sections(statement, ['agent', 'options', 'triggers', 'parameters', 'environment', 'stages', 'post'] as Set)
    ['agent', 'stages'].each { if (!sections[it]) { say(statement, "the pipeline has no ${it}") } }
    def held = sections.agent ? agent(sections.agent) : false
    if (sections.options) { options(sections.options, OPTIONS.keySet(), 'the pipeline') }
    (WANTED - (sections.options ? entries(sections.options)*.methodAsString : [])).each {
      say(statement, "the pipeline has no option ${it}")
    }
    if (sections.triggers) { triggers(sections.triggers) }
    if (sections.parameters) { parameters(sections.parameters) }
    if (sections.environment) { environment(sections.environment) }
    if (sections.stages) { stages(sections.stages, held, true) }
    if (sections.post) { post(sections.post) }
  }

  /** Whether an agent is held: `agent none` holds none. */
  boolean agent(MethodCallExpression agent) {
    def given = arguments(agent)
    if (given.size() != 1) {
      say(agent, 'agent takes one value')
    } else if (given[0] instanceof VariableExpression && given[0].name in ['any', 'none']) {
      return given[0].name == 'any'
    } else if (given[0] instanceof ClosureExpression) {
      def kinds = statements(given[0])
      if (kinds.size() != 1 || invoked(kinds[0])?.methodAsString != 'label') {
        say(agent, 'an agent is said by its label')
      } else {
        text(invoked(kinds[0]), 'label')
      }
      return true
    } else {
      say(agent, 'agent is any, none, or a block with a label')
    }
    false
  }

  void options(MethodCallExpression options, Set<String> allowed, String where) {
    def seen = [] as Set
    entries(options).each {
      def name = it.methodAsString
      if (!(name in allowed)) {
        say(it, "${name} is no option of ${where}")
      } else if (!seen.add(name)) {
        say(it, "the option ${name} is there twice")
      } else {
        accepts(it, OPTIONS[name])
        if (name == 'timeout') { time(it) }
        if (name == 'buildDiscarder') { discarder(it) }
      }
    }
  }

  void discarder(MethodCallExpression option) {
    def rotator = arguments(option)[0]
    if (!(rotator instanceof MethodCallExpression) || rotator.methodAsString != 'logRotator') {
      say(option, 'buildDiscarder takes a logRotator')
    } else {
      accepts(rotator, DISCARDER)
      named(rotator).each { key, value -> if (!(value.text ==~ /\d+/)) { say(value, "${key} is no number") } }
    }
  }

  void time(MethodCallExpression timeout) {
    def given = named(timeout)
    if (given.time && !(given.time instanceof ConstantExpression && given.time.value instanceof Integer && given.time.value > 0)) {
      say(timeout, 'a time-out is a number above zero')
    }
    if (given.unit && !(given.unit.text in TIME_UNITS)) { say(timeout, "${given.unit.text} is no unit of time") }
  }

  void triggers(MethodCallExpression triggers) {
    entries(triggers).each {
      if (!TRIGGERS.containsKey(it.methodAsString)) {
        say(it, "${it.methodAsString} is no trigger")
      } else {
        accepts(it, TRIGGERS[it.methodAsString])
        if (it.methodAsString in ['cron', 'pollSCM']) { arguments(it).each { spec -> cron(spec) } }
      }
    }
  }

  void cron(Expression spec) {
    if (spec instanceof TernaryExpression) {
      cron(spec.trueExpression)
      cron(spec.falseExpression)
    } else if (!(spec instanceof ConstantExpression && spec.value instanceof String)) {
      say(spec, 'a schedule is a text')
    } else if (spec.value != '' && !Cron.valid(spec.value)) {
      say(spec, "${spec.value.inspect()} is no schedule")
    }
  }

  void parameters(MethodCallExpression parameters) {
    def seen = [] as Set
    entries(parameters).each {
      if (!PARAMETERS.containsKey(it.methodAsString)) {
        say(it, "${it.methodAsString} is no kind of parameter")
        return
      }
      accepts(it, PARAMETERS[it.methodAsString])
      def given = named(it)
      if (given.name && !(given.name.text ==~ /[A-Za-z_][A-Za-z0-9_]*/)) { say(it, "${given.name.text} is no name") }
      if (given.name && !seen.add(given.name.text)) { say(it, "the parameter ${given.name.text} is there twice") }
      if (given.choices && !(given.choices instanceof ListExpression && given.choices.expressions)) {
        say(it, 'choices are a list with one at least')
      }
    }
  }

  void environment(MethodCallExpression environment) {
    def variables = statements(closure(environment))
    if (!variables) { say(environment, 'environment is empty') }
    variables.each {
      def set = it instanceof ExpressionStatement ? it.expression : null
      def assigns = set instanceof BinaryExpression && set.operation.text == '=' && set.leftExpression instanceof VariableExpression
      if (!assigns) { say(it, 'environment holds NAME = value alone') }
      if (assigns && set.rightExpression instanceof MethodCallExpression) { say(it, 'a credential for all steps') }
    }
  }

  void stages(MethodCallExpression stages, boolean held, boolean parallelAllowed) {
    def found = entries(stages)
    if (!found) { say(stages, "${stages.methodAsString} is empty") }
    found.each {
      if (it.methodAsString == 'stage') { stage(it, held, parallelAllowed) } else { say(it, "${it.methodAsString} is no stage") }
    }
  }

  void stage(MethodCallExpression stage, boolean held, boolean parallelAllowed) {
    def given = arguments(stage)
    if (given.size() != 2 || !(given[0] instanceof ConstantExpression) || !given[0].text) {
      say(stage, 'a stage has a name and a block')
      return
    }
    if (!stageNames.add(given[0].text)) { say(stage, "two stages are called ${given[0].text}") }
    def allowed = ['agent', 'when', 'input', 'options', 'environment', 'failFast', 'steps', 'stages', 'parallel', 'post']
    def sections = sectionsOf(given[1], stage, allowed as Set)
    def bodies = ['steps', 'stages', 'parallel'].findAll { sections[it] }
    if (bodies.size() != 1) { say(stage, "a stage has one of steps, stages and parallel, here are ${bodies}") }
    if (sections.parallel && sections.agent) { say(stage, 'a stage with parallel ones in it takes no agent') }
    if (sections.failFast && !sections.parallel) { say(stage, 'failFast is for parallel stages') }
    def holds = sections.agent ? agent(sections.agent) : held
    if (sections.when) { when(sections.when) }
    if (sections.input) { input(sections.input) }
    if (sections.options) { options(sections.options, STAGE_OPTIONS, 'a stage') }
    if (sections.environment) { environment(sections.environment) }
    if (sections.steps) {
      if (!holds) { say(stage, 'nothing says on which agent the steps run') }
      steps(closure(sections.steps), sections.steps)
    }
    if (sections.stages) { stages(sections.stages, holds, false) }
    if (sections.parallel) {
      if (!parallelAllowed) { say(stage, 'parallel stages may not stand in others') }
      stages(sections.parallel, holds, false)
    }
    if (sections.post) { post(sections.post) }
  }

  void when(MethodCallExpression when) {
    def conditions = entries(when)
    def flags = conditions.findAll { it.methodAsString in BEFORE }
    flags.each { if (!(arguments(it)*.text in [['true'], ['false']])) { say(it, "${it.methodAsString} is true or false") } }
    def held = conditions - flags
    if (!held) { say(when, 'when has no condition') }
    held.each { condition(it) }
  }

  void condition(MethodCallExpression condition) {
    def name = condition.methodAsString
    if (name == 'expression') {
      if (!closure(condition)) { say(condition, 'expression takes a block') }
    } else if (NESTED.containsKey(name)) {
      def inner = closure(condition) ? entries(condition) : []
      if (NESTED[name] == 1 ? inner.size() != 1 : !inner) { say(condition, "${name} has ${inner.size()} conditions in it") }
      inner.each { this.condition(it) }
    } else if (!CONDITIONS.containsKey(name)) {
      say(condition, "${name} is no condition")
    } else {
      accepts(condition, CONDITIONS[name])
      def comparator = named(condition).comparator
      if (comparator && !(comparator.text in COMPARATORS)) { say(condition, "${comparator.text} is no comparator") }
    }
  }

  void input(MethodCallExpression input) {
    def said = [] as Set
    entries(input).each {
      if (!(it.methodAsString in INPUT)) { say(it, "input has no ${it.methodAsString}") } else { text(it, it.methodAsString) }
      said << it.methodAsString
    }
    if (!('message' in said)) { say(input, 'input has no message') }
  }

  void post(MethodCallExpression post) {
    def seen = [] as Set
    def conditions = entries(post)
    if (!conditions) { say(post, 'post is empty') }
    conditions.each {
      if (!(it.methodAsString in POSTS)) { say(it, "${it.methodAsString} is no condition of post") }
      if (!seen.add(it.methodAsString)) { say(it, "${it.methodAsString} is there twice") }
      steps(closure(it), it)
    }
  }

  // Steps.

  void steps(ClosureExpression block, MethodCallExpression within) {
    def found = block ? statements(block) : []
    if (!found) { say(within, "${within.methodAsString} holds no step") }
    found.each {
      def step = invoked(it)
      if (step) { this.step(step) } else { say(it, 'this is no step; other code belongs into script') }
    }
  }

  void step(MethodCallExpression step) {
    def name = step.methodAsString
    if (name in functions) {
      if (closure(step)) { steps(closure(step), step) }
    } else if (!STEPS.containsKey(name)) {
      say(step, "${name} is no step that is known here")
    } else {
      accepts(step, STEPS[name])
      if (name == 'timeout') { time(step) }
      if (name == 'withCredentials') { credentials(step) }
      if (name == 'withEnv') { variables(step) }
      if (name == 'script') { script(closure(step)?.code) } else if (closure(step)) { steps(closure(step), step) }
    }
  }

  void variables(MethodCallExpression step) {
    def list = arguments(step)[0]
    if (!(list instanceof ListExpression) || !list.expressions) {
      say(step, 'withEnv takes a list')
    } else {
      list.expressions.findAll { it instanceof ConstantExpression }.each {
        if (!(it.text ==~ /(?s)[A-Za-z_][A-Za-z0-9_]*(\+[A-Za-z0-9_]+)?=.*/)) { say(it, "${it.text.inspect()} is no NAME=value") }
      }
    }
  }

  void credentials(MethodCallExpression step) {
    def list = arguments(step)[0]
    if (!(list instanceof ListExpression) || !list.expressions) {
      say(step, 'withCredentials takes a list')
      return
    }
    list.expressions.each {
      def kind = it instanceof MethodCallExpression ? it.methodAsString : null
      if (!BINDINGS.containsKey(kind)) { say(it, "${it.text} binds no credential") } else { accepts(it, BINDINGS[kind]) }
    }
    def counted = new Shells(scripts: scripts)
    closure(step)?.code?.visit(counted)
    if (counted.count != 1) { say(step, "a credential is seen by ${counted.count} scripts, and one is allowed") }
  }

  /** Code that is not declarative: any, but only known steps may be called in it, and functions and closures of its own. */
  void script(Statement code, List<String> parameters = []) {
    def own = functions + parameters + declared(code)
    code?.visit(new CodeVisitorSupport() {
      void visitMethodCallExpression(MethodCallExpression called) {
        super.visitMethodCallExpression(called)
        def name = called.methodAsString
        if (!called.implicitThis || own.contains(name) || BINDINGS.containsKey(name)) { return }
        if (!STEPS.containsKey(name)) {
          say(called, "${name} is no step that is known here")
        } else {
          accepts(called, STEPS[name])
          if (name == 'timeout') { time(called) }
          if (name == 'withCredentials') { credentials(called) }
          if (name == 'withEnv') { variables(called) }
        }
      }
    })
  }

  static Set<String> declared(Statement code) {
    def names = [] as Set
    code?.visit(new CodeVisitorSupport() {
      void visitDeclarationExpression(DeclarationExpression declaration) {
        super.visitDeclarationExpression(declaration)
        if (declaration.leftExpression instanceof VariableExpression) { names << declaration.leftExpression.name }
      }
    })
    names
  }

  // What stands in the tree.

  Map<String, MethodCallExpression> sections(Statement statement, Set<String> allowed) {
    def given = arguments(invoked(statement))
    if (given.size() != 1) {
      say(statement, 'pipeline takes a block')
      return [:]
    }
    sectionsOf(given[0], statement, allowed)
  }

  Map<String, MethodCallExpression> sectionsOf(Expression block, node, Set<String> allowed) {
    if (!(block instanceof ClosureExpression)) {
      say(node, 'a block is wanted')
      return [:]
    }
    def found = [:]
    statements(block).each {
      def section = invoked(it)
      if (!section) {
        say(it, 'this is no section')
      } else if (!(section.methodAsString in allowed)) {
        say(it, "${section.methodAsString} is no section here")
      } else if (found.put(section.methodAsString, section)) {
        say(it, "the section ${section.methodAsString} is there twice")
      }
    }
    found
  }

  List<MethodCallExpression> entries(MethodCallExpression section) {
    def block = closure(section)
    if (!block) {
      say(section, "${section.methodAsString} takes a block")
      return []
    }
    statements(block).collect {
      def entry = invoked(it)
      if (!entry) { say(it, "this cannot stand in ${section.methodAsString}") }
      entry
    }.findAll { it != null }
  }

  static List<Statement> statements(ClosureExpression block) {
    block.code instanceof BlockStatement ? block.code.statements : [block.code]
  }

  static MethodCallExpression invoked(statement) {
    def expression = statement instanceof ExpressionStatement || statement instanceof ReturnStatement ? statement.expression : null
    expression instanceof MethodCallExpression && expression.implicitThis && expression.methodAsString ? expression : null
  }

  static List<Expression> arguments(MethodCallExpression called) {
    called.arguments instanceof TupleExpression ? called.arguments.expressions : [called.arguments]
  }

  static Map<String, Expression> named(MethodCallExpression called) {
    def maps = arguments(called).findAll { it instanceof MapExpression }
    maps.collectMany { it.mapEntryExpressions }.collectEntries { [it.keyExpression.text, it.valueExpression] }
  }

  static ClosureExpression closure(MethodCallExpression called) {
    def last = arguments(called) ? arguments(called).last() : null
    last instanceof ClosureExpression ? last : null
  }

  void text(MethodCallExpression called, String what) {
    def given = arguments(called)
    if (given.size() != 1 || !(given[0] instanceof ConstantExpression) || !(given[0].value instanceof String)) {
      say(called, "${what} is a text")
    }
  }

  /** Its arguments are those of the table. "!" and "?x": a value without a name, which "?x" may have too. */
  void accepts(MethodCallExpression called, List<String> table) {
    def what = called.methodAsString
    def given = arguments(called)
    def map = named(called)
    def block = closure(called)
    def plain = given.findAll { !(it instanceof MapExpression) && !it.is(block) }
    def single = table.find { it == '!' || it == '' || it.startsWith('?') }
    def names = table.collect { it.replaceAll(/[!?]/, '') }.findAll { it && it != '{}' }
    def needed = table.findAll { it.size() > 1 && it.endsWith('!') }.collect { it[0..-2] }
    if ((block != null) != ('{}' in table)) { say(called, "${what} ${block ? 'takes no block' : 'takes a block'}") }
    if (plain.size() > (single == null ? 0 : 1)) { say(called, "${what} takes fewer values") }
    if (single == '!' && plain.size() != 1) { say(called, "${what} takes a value") }
    if (single?.startsWith('?') && plain.size() + (map.containsKey(single.substring(1)) ? 1 : 0) != 1) {
      say(called, "${what} has no ${single.substring(1)}")
    }
    map.keySet().findAll { !(it in names) }.each { say(called, "${what} has no ${it}") }
    needed.findAll { !map.containsKey(it) }.each { say(called, "${what} wants ${it}") }
  }

  /** House rules: nothing is put into a text by Groovy, and nothing is run but by steps. */
  static class Interpolations extends CodeVisitorSupport {
    final Rules rules

    Interpolations(Rules rules) { this.rules = rules }

    void visitGStringExpression(GStringExpression text) { rules.say(text, 'a text in double quotes, with values in it') }

    void visitMethodCallExpression(MethodCallExpression called) {
      super.visitMethodCallExpression(called)
      if (called.methodAsString in FORBIDDEN) { rules.say(called, "${called.methodAsString} runs what nobody sees") }
    }

    void visitConstructorCallExpression(ConstructorCallExpression made) { rules.say(made, 'an object is made') }
  }

  static class Shells extends CodeVisitorSupport {
    int count = 0
    Map<String, Integer> scripts = [:]

    void visitMethodCallExpression(MethodCallExpression called) {
      super.visitMethodCallExpression(called)
      count += called.methodAsString == 'sh' ? 1 : scripts.getOrDefault(called.methodAsString, 0)
    }
  }
}
