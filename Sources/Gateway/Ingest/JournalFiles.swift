// The journal's segments on disk. Every call blocks: only the journal's own thread comes here.

import Glibc
import Logging

/// Records appended to the newest segment, read from the oldest; a segment that is drained is removed.
struct JournalFiles: Sendable {
  /// An entry and the place behind it.
  struct Item: Sendable {
    let entry: JournalEntry
    let end: JournalPosition
  }

  /// What is read at once, unless one record is larger.
  private static let chunkBytes = 1 << 20

  private let directory: JournalDirectory
  private let segmentBytes: Int
  private let synchronize: @Sendable (Int32) -> Int32
  private let logger: Logger
  /// Oldest first.
  private var segments: [JournalSegment] = []
  /// Of the newest segment, while that is appended to.
  private var descriptor: Int32?
  private var nextNumber = 1
  /// In the oldest segment.
  private var position = JournalPosition(segment: 0, offset: 0)
  /// Stretches that held no record where one should have been, since this journal was opened.
  private(set) var corruptRecords = 0

  /// Takes the directory and looks through what a former process left in it.
  ///
  /// - Parameter synchronize: `fsync`, or what a test puts in its place.
  init(
    directory path: String, segmentBytes: Int, synchronize: @escaping @Sendable (Int32) -> Int32, logger: Logger
  ) throws(JournalFailure) {
    directory = try JournalDirectory(path: path)
    self.segmentBytes = segmentBytes
    self.synchronize = synchronize
    self.logger = logger
    do throws(JournalFailure) {
      try recover()
    } catch {
      directory.close()
      throw error
    }
  }

  /// Bytes of all segments.
  var bytes: Int { segments.reduce(0) { $0 + $1.length } }
  /// Entries that are not drained.
  var entries: Int { segments.reduce(0) { $0 + $1.entries } }

  mutating func close() {
    closeNewest()
    directory.close()
  }

  // MARK: After a restart

  private mutating func recover() throws(JournalFailure) {
    let kept = directory.position() ?? position
    let numbers = try directory.segments()
    // A number is never used twice, lest an old position hide a new segment.
    nextNumber = max(numbers.last ?? 0, kept.segment) + 1
    for number in numbers {
      guard number >= kept.segment else {
        try directory.remove(segment: number)
        continue
      }
      let content = try directory.read(segment: number, from: 0)
      let offset = number == kept.segment ? min(kept.offset, content.count) : 0
      let (entries, end) = JournalSegment.survey(content, from: offset)
      var length = content.count
      if number == numbers.last, end < length {
        logger.warning(
          "the journal's last record was torn and is cut off",
          metadata: ["segment": "\(number)", "bytes": "\(length - end)"])
        try directory.cut(segment: number, to: end)
        length = end
      }
      if entries == 0 {
        if offset < length { note(damage: length - offset, in: number) }
        try directory.remove(segment: number)
      } else {
        if segments.isEmpty { position = JournalPosition(segment: number, offset: offset) }
        segments.append(JournalSegment(number: number, length: length, entries: entries))
      }
    }
    if entries > 0 {
      logger.notice(
        "the journal holds entries of a former run", metadata: ["entries": "\(entries)", "bytes": "\(bytes)"])
    }
  }

  // MARK: Appending

  /// How many bytes the next append may have, given its first record's size; opens a new segment where that is needed.
  mutating func room(forRecordOf count: Int) -> Int {
    guard descriptor != nil, let length = segments.last?.length else { return segmentBytes }
    if length + count <= segmentBytes { return segmentBytes - length }
    closeNewest()
    return segmentBytes
  }

  /// Appends records and brings them to the disk; where that fails, none of them is kept for certain.
  mutating func append(_ records: [UInt8], entries: Int) throws(JournalFailure) {
    let descriptor = if let descriptor { descriptor } else { try makeSegment() }
    let newest = segments.count - 1
    do throws(JournalFailure) {
      try write(records, to: descriptor)
      guard synchronize(descriptor) == 0 else { throw .failed("synchronize", newestPath, code: errno) }
    } catch {
      // After a failed fsync nobody knows what of a file is on the disk: nothing more is written to this one.
      _ = ftruncate(descriptor, off_t(segments[newest].length))
      closeNewest()
      if segments[newest].length == 0 { try? directory.remove(segment: segments.removeLast().number) }
      throw error
    }
    segments[newest].length += records.count
    segments[newest].entries += entries
  }

  private var newestPath: String { directory.path(ofSegment: segments.last?.number ?? 0) }

  private mutating func makeSegment() throws(JournalFailure) -> Int32 {
    let made = try directory.create(segment: nextNumber)
    if segments.isEmpty { position = JournalPosition(segment: nextNumber, offset: 0) }
    segments.append(JournalSegment(number: nextNumber, length: 0, entries: 0))
    nextNumber += 1
    descriptor = made
    return made
  }

  private func write(_ bytes: [UInt8], to descriptor: Int32) throws(JournalFailure) {
    var start = 0
    while start < bytes.count {
      let written = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written > 0 {
        start += written
      } else if written == 0 || errno != EINTR {
        throw .failed("write", newestPath, code: written == 0 ? ENOSPC : errno)
      }
    }
  }

  private mutating func closeNewest() {
    if let descriptor { _ = Glibc.close(descriptor) }
    descriptor = nil
  }

  // MARK: Draining

  /// The oldest entries, in order, all of one segment; none when the journal is empty. They stay until ``advance``.
  mutating func next(_ limit: Int) throws(JournalFailure) -> [Item] {
    while let segment = segments.first {
      let rest = segment.length - position.offset
      guard rest > 0 else {
        removeOldest()
        continue
      }
      var content = try directory.read(
        segment: segment.number, from: position.offset, count: min(rest, Self.chunkBytes))
      var scan = JournalScan(content, limit: limit)
      if scan.items.isEmpty {
        // A large record, or none: only the whole rest tells.
        content = try directory.read(segment: segment.number, from: position.offset, count: rest)
        scan = JournalScan(content, limit: limit)
      }
      let items = decode(scan, of: content)
      if !items.isEmpty { return items }
      let next = scan.items.first?.payload.upperBound ?? JournalRecord.next(in: content, after: 0) ?? rest
      if !scan.items.isEmpty { segments[0].entries -= 1 }
      note(damage: next, in: segment.number)
      position.offset += next
    }
    return []
  }

  /// Up to the first entry that cannot be read, though its sum is right: one of another version.
  private func decode(_ scan: JournalScan, of content: [UInt8]) -> [Item] {
    var items: [Item] = []
    for item in scan.items {
      guard let entry = JournalEntry(payload: content[item.payload]) else { break }
      let end = position.offset + item.payload.upperBound
      items.append(Item(entry: entry, end: JournalPosition(segment: position.segment, offset: end)))
    }
    return items
  }

  /// Lets go of what lies before a place that ``next`` gave.
  mutating func advance(over count: Int, to end: JournalPosition) {
    guard let oldest = segments.first, oldest.number == end.segment else { return }
    position = end
    segments[0].entries -= count
    if end.offset >= oldest.length { return removeOldest() }
    do throws(JournalFailure) {
      try directory.keep(end)
    } catch {
      logger.warning(
        "the journal's position is not kept: entries may be drained twice", metadata: ["error": "\(error)"])
    }
  }

  private mutating func removeOldest() {
    if segments.count == 1 { closeNewest() }
    let oldest = segments.removeFirst()
    do throws(JournalFailure) {
      try directory.remove(segment: oldest.number)
    } catch {
      logger.error("a drained segment of the journal stays", metadata: ["error": "\(error)"])
      try? directory.keep(JournalPosition(segment: oldest.number, offset: oldest.length))
    }
    position = JournalPosition(segment: segments.first?.number ?? nextNumber, offset: 0)
  }

  private mutating func note(damage bytes: Int, in segment: Int) {
    corruptRecords += 1
    directory.keepAside(segment: segment)
    logger.critical(
      "the journal is damaged: a stretch without a readable record is skipped, and the file kept aside",
      metadata: ["segment": "\(directory.path(ofSegment: segment)).corrupt", "bytes": "\(bytes)"])
  }
}
