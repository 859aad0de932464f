// A bounded queue whose elements of one key are handed out one after the other.

import DequeModule

/// Decides what may run next; knows nothing of tasks.
struct KeyedQueue<Element: Sendable>: Sendable {
  private var ready: Deque<(key: String, element: Element)> = []
  /// Behind one of their key that is ready or running.
  private var waiting: [String: Deque<Element>] = [:]
  private var busy: Set<String> = []
  private var running = 0
  /// Not running yet.
  private(set) var count = 0
  private let limit: Int
  private let concurrency: Int

  init(limit: Int, concurrency: Int) {
    self.limit = limit
    self.concurrency = max(1, concurrency)
  }

  var isIdle: Bool { count == 0 && running == 0 }

  /// - Returns: false when the queue is full.
  mutating func add(_ element: Element, key: String) -> Bool {
    guard count < limit else { return false }
    count += 1
    if busy.insert(key).inserted {
      ready.append((key, element))
    } else {
      waiting[key, default: []].append(element)
    }
    return true
  }

  /// Starts the next element, unless enough are running.
  mutating func start() -> (key: String, element: Element)? {
    guard running < concurrency, let next = ready.popFirst() else { return nil }
    count -= 1
    running += 1
    return next
  }

  /// The element of this key is done.
  mutating func finish(_ key: String) {
    running -= 1
    if let next = waiting[key]?.popFirst() {
      if waiting[key]?.isEmpty == true { waiting[key] = nil }
      ready.append((key, next))
    } else {
      busy.remove(key)
    }
  }

  /// Takes everything that is not running.
  mutating func removeAll() -> [Element] {
    let left = ready.map(\.element) + waiting.values.flatMap { $0 }
    for key in ready.map(\.key) { busy.remove(key) }
    ready = []
    waiting = [:]
    count = 0
    return left
  }
}
