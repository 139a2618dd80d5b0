/** Schedules as Jenkins reads them. */
class Cron {
  static final BOUNDS = [[0, 59], [0, 23], [1, 31], [1, 12], [0, 7]]
  static final WORDS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']

  static boolean valid(String spec) {
    def lines = spec.readLines().findAll { it.trim() && !it.startsWith('#') }
    if (lines && lines[0].startsWith('TZ=')) {
      if (!(lines[0].substring(3) in TimeZone.availableIDs)) { return false }
      lines = lines.drop(1)
    }
    lines && lines.every { line -> line.trim() in WORDS || fields(line.trim().split(/\s+/) as List) }
  }

  static boolean fields(List<String> fields) {
    fields.size() == 5 && (0..4).every { at -> fields[at].split(',', -1).every { part(it, *BOUNDS[at]) } }
  }

  static boolean part(String part, int low, int high) {
    def found = (part =~ /(?:\*|H(?:\((\d+)-(\d+)\))?|(\d+)(?:-(\d+))?)(?:\/(\d+))?/)
    if (!found.matches()) { return false }
    def numbers = (1..4).collect { found.group(it) }.findAll { it != null }*.toInteger()
    numbers.every { it >= low && it <= high } && (numbers.size() < 2 || numbers[0] <= numbers[1]) && found.group(5) != '0'
  }
}
