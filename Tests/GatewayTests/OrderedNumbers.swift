// Phone numbers that no test has used before.

import Synchronization

final class SharedCount: Sendable {
  private let count = Atomic<Int>(0)

  func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}

struct OrderedNumbers: Sendable {
  private let count = SharedCount()

  func next() -> String { "+1415555\(2_000 + count.next())" }
}
