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
      return problems ?: compile(text)
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

  /** What Jenkins makes of a block or function is one method, with all closures in it, and Java has a bound for methods. */
  static final LARGEST = 56 * 1024

  static List<String> compile(String text) {
    def configuration = new CompilerConfiguration()
    configuration.addCompilationCustomizers(new CpsTransformer())
    configuration.scriptBaseClass = SerializableScript.name
    def unit = new CompilationUnit(configuration, null, new GroovyClassLoader(Judge.classLoader))
    unit.addSource('Jenkinsfile', text)
    unit.compile(Phases.CLASS_GENERATION)
    unit.classes.collectMany { made -> sizes(made.bytes) }.findAll { name, size -> size > LARGEST && !name.startsWith('$createCallSiteArray') }.collect { name, size ->
      "1:1: ${name} has ${size} bytes of code, and Java allows 64 KiB".toString()
    }
  }

  /** The names of the methods of a class with the length of their code: https://docs.oracle.com/javase/specs/jvms/se17/html/jvms-4.html */
  static List<List> sizes(byte[] bytes) {
    def data = new DataInputStream(new ByteArrayInputStream(bytes))
    data.skipBytes(8)
    int count = data.readUnsignedShort()
    def words = [:]
    for (int at = 1; at < count; at++) {
      int tag = data.readUnsignedByte()
      if (tag == 1) { words[at] = data.readUTF() } else { data.skipBytes(tag in [7, 8, 16] ? 2 : tag == 15 ? 3 : tag in [5, 6] ? 8 : 4) }
      if (tag in [5, 6]) { at++ }
    }
    data.skipBytes(6)
    int interfaces = data.readUnsignedShort()
    data.skipBytes(2 * interfaces)
    members(data, words)
    members(data, words)
  }

  private static List<List> members(DataInputStream data, Map<Integer, String> words) {
    (0..<data.readUnsignedShort()).collect {
      data.skipBytes(2)
      def name = words[data.readUnsignedShort()]
      data.skipBytes(2)
      int size = 0
      (0..<data.readUnsignedShort()).each {
        def kind = words[data.readUnsignedShort()]
        def body = new byte[data.readInt()]
        data.readFully(body)
        if (kind == 'Code') { size = new DataInputStream(new ByteArrayInputStream(body, 4, 4)).readInt() }
      }
      [name, size]
    }
  }

  /** The values that these expressions have, read as one script; the letters of each as numbers, so that JSON adds nothing. */
  static List<Integer> read(String literal) {
    def value = new GroovyShell().evaluate("return ${literal}\n")
    value instanceof String ? (0..<value.length()).collect { value.charAt(it) as int } : null
  }
}
