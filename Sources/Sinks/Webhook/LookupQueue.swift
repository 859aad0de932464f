// Which names are looked up now, as a value.

import DequeModule

/// A lookup that takes long gives its place to another name and goes on beside; and its name stands in a line of its own
/// from then on, until it is answered quickly again. So names whose servers do not answer hold up nobody but each other.
struct LookupQueue: Sendable {
  /// How many run at once: of names that are not known to be slow, of those that are, and of those that turned out so.
  static let quickLimit = 8
  static let slowLimit = 4
  static let lateLimit = 64
  /// How many names are remembered to be slow.
  static let memory = 1_024

  private enum Place { case quick, slow, late }

  private var quick: Deque<String> = []
  private var slow: Deque<String> = []
  private var running: [String: (place: Place, isLate: Bool)] = [:]
  private var counts: [Place: Int] = [:]
  private var slowNames: Set<String> = []

  /// - Parameter name: not in it.
  mutating func ask(_ name: String) {
    if slowNames.contains(name) { slow.append(name) } else { quick.append(name) }
  }

  /// A name whose lookup begins; nil: none may.
  mutating func next() -> String? {
    if counts[.quick, default: 0] < Self.quickLimit, let name = quick.popFirst() { return begin(name, .quick) }
    if counts[.slow, default: 0] < Self.slowLimit, let name = slow.popFirst() { return begin(name, .slow) }
    return nil
  }

  private mutating func begin(_ name: String, _ place: Place) -> String {
    running[name] = (place, false)
    counts[place, default: 0] += 1
    return name
  }

  /// The lookup takes long.
  mutating func isLate(_ name: String) {
    guard let place = running[name]?.place else { return }
    running[name]?.isLate = true
    guard place == .quick, counts[.late, default: 0] < Self.lateLimit else { return }
    running[name]?.place = .late
    counts[.quick, default: 0] -= 1
    counts[.late, default: 0] += 1
  }

  mutating func ended(_ name: String) {
    guard let (place, isLate) = running.removeValue(forKey: name) else { return }
    counts[place, default: 0] -= 1
    if isLate {
      if slowNames.count >= Self.memory { slowNames = [] }
      slowNames.insert(name)
    } else {
      slowNames.remove(name)
    }
  }
}
