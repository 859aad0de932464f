// What is due when: a binary heap, first due first, in the order of arrival among equals.

/// Events with their moments.
struct Timeline<Event: Sendable>: Sendable {
  private struct Entry: Sendable {
    var due: UTCTime
    var order: Int
    var event: Event

    func isBefore(_ other: Entry) -> Bool { (due, order) < (other.due, other.order) }
  }

  private var heap: [Entry] = []
  private var arrivals = 0

  var next: UTCTime? { heap.first?.due }

  mutating func insert(_ event: Event, at due: UTCTime) {
    arrivals += 1
    heap.append(Entry(due: due, order: arrivals, event: event))
    var child = heap.count - 1
    while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes the first event that is due by then.
  mutating func pop(dueBy now: UTCTime) -> Event? {
    guard let first = heap.first, first.due <= now else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      sink()
    }
    return first.event
  }

  private mutating func sink() {
    var parent = 0
    while true {
      var smallest = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].isBefore(heap[smallest]) { smallest = child }
      if smallest == parent { return }
      heap.swapAt(parent, smallest)
      parent = smallest
    }
  }
}
