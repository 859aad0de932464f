// What a stretch of a segment holds.

/// The records of a stretch of bytes, up to its end or to the first place that is none.
struct JournalScan {
  struct Item {
    /// The payload's bounds in the stretch; its record ends where it ends.
    let payload: Range<Int>
  }

  private(set) var items: [Item] = []
  /// Where the last record ends.
  private(set) var end = 0
  /// What follows that; nil at the end of the bytes.
  private(set) var obstacle: JournalRecord.Reading?

  /// - Parameter limit: records to read at most.
  init(_ bytes: [UInt8], from offset: Int = 0, limit: Int = .max) {
    end = offset
    while end < bytes.count, items.count < limit {
      guard case .record(let payload) = JournalRecord.read(bytes, at: end) else {
        obstacle = JournalRecord.read(bytes, at: end)
        return
      }
      items.append(Item(payload: payload))
      end = payload.upperBound
    }
  }
}

/// A segment as the journal knows it.
struct JournalSegment {
  let number: Int
  /// Bytes that are on the disk for certain.
  var length: Int
  /// Records in it that are not drained.
  var entries: Int

  /// Looks through what a former process left, from `offset` on.
  ///
  /// - Returns: the whole records, and where the last one ends: what follows is a torn tail.
  static func survey(_ bytes: [UInt8], from offset: Int) -> (entries: Int, end: Int) {
    var entries = 0
    var end = offset
    var start: Int? = offset
    while let from = start {
      let scan = JournalScan(bytes, from: from)
      entries += scan.items.count
      end = scan.end
      start = scan.obstacle == nil ? nil : JournalRecord.next(in: bytes, after: scan.end)
    }
    return (entries, end)
  }
}
