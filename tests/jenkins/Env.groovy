/** The variables of a step, as hudson.EnvVars keeps them: names differ by more than case, an empty value is none. */
class Env extends TreeMap<String, String> {
  static final REFERENCE = ~/\$([A-Za-z0-9_]+|\{[A-Za-z0-9_.]+\}|\$)/

  Env(Map<String, String> held = [:]) {
    super(String.CASE_INSENSITIVE_ORDER)
    putAll(held)
  }

  void override(String name, String value) {
    if (!value) {
      remove(name)
    } else if (name.indexOf('+') > 0) {
      def list = name.substring(0, name.indexOf('+'))
      put(list, containsKey(list) ? value + File.pathSeparator + get(list) : value)
    } else {
      put(name, value)
    }
  }

  /** What withEnv does: references in the values are replaced, those to each other in an order that allows it. */
  void overrideExpanding(Map<String, String> overrides) {
    def waiting = new Env(overrides)
    def done = [] as Set
    def set
    set = { String name ->
      if (done.add(name)) {
        references(waiting[name]).findAll { it != name && waiting.containsKey(it) }.each(set)
        override(name, expand(waiting[name]))
      }
    }
    new ArrayList(waiting.keySet()).each(set)
  }

  String expand(String text) {
    text.replaceAll(REFERENCE) { whole, key ->
      key == '$' ? '$' : this[bare(key)] != null ? this[bare(key)] : whole
    }
  }

  private static List<String> references(String text) {
    (text =~ REFERENCE).collect { bare(it[1]) }
  }

  private static String bare(String key) {
    key.startsWith('{') ? key[1..-2] : key
  }
}
