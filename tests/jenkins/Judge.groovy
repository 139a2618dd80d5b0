import com.cloudbees.groovy.cps.CpsTransformer
import com.cloudbees.groovy.cps.SerializableScript
import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import org.codehaus.groovy.ast.ModuleNode
import org.codehaus.groovy.control.CompilationFailedException
import org.codehaus.groovy.control.CompilationUnit
import org.codehaus.groovy.control.CompilerConfiguration
import org.codehaus.groovy.control.Phases

/** Answers questions about Jenkinsfiles, one JSON document a line, so that many files cost one start of Java. */
class Judge {
  static void main(String[] arguments) {
    def answers = System.out
    System.out = System.err
    System.in.eachLine('UTF-8') { line ->
      def question = new JsonSlurper().parseText(line)
      answers.write((JsonOutput.toJson(answer(question)) + '\n').getBytes('UTF-8'))
      answers.flush()
    }
  }

  static Object answer(Map question) {
    try {
      switch (question.ask) {
        case 'check': return question.texts.collect { check(it) }
        case 'read': return question.literals.collect { read(it) }
        case 'run': return new Build(question.world).run(question.text)
        default: throw new IllegalArgumentException("nobody answers ${question.ask}")
      }
    } catch (Throwable thrown) {
      def trace = new StringWriter()
      thrown.printStackTrace(new PrintWriter(trace))
      return [broken: trace.toString().readLines().take(30).join('\n')]
    }
  }

  /** What is wrong with a Jenkinsfile: by the parser, by the rules, by the transformation that Jenkins runs it in. */
  static List<String> check(String text) {
    try {
      def problems = Rules.of(parse(text))
      if (!problems) { compile(text) }
      return problems
    } catch (CompilationFailedException refused) {
      return [refused.message]
    }
  }

  static ModuleNode parse(String text) {
    def unit = new CompilationUnit()
    unit.addSource('Jenkinsfile', text)
    unit.compile(Phases.CONVERSION)
    unit.AST.modules[0]
  }

  static void compile(String text) {
    def configuration = new CompilerConfiguration()
    configuration.addCompilationCustomizers(new CpsTransformer())
    configuration.scriptBaseClass = SerializableScript.name
    new GroovyShell(Judge.classLoader, new Binding(), configuration).parse(text)
  }

  /** The values that these expressions have, read as one script; the letters of each as numbers, so that JSON adds nothing. */
  static List<Integer> read(String literal) {
    def value = new GroovyShell().evaluate("return ${literal}\n")
    value instanceof String ? (0..<value.length()).collect { value.charAt(it) as int } : null
  }
}
