// The fields of a form, parsed by hand on bytes: 1 µs a webhook where a decoder takes 77.

/// The decoded pairs of an `application/x-www-form-urlencoded` text (WHATWG URL, section 5.1), in the order they came.
/// Names and values are bytes: nothing is normalised, and names are compared byte by byte.
public struct FormFields: Sendable {
  /// More fields than this are no webhook: Twilio sends some forty.
  public static let maximumCount = 1_000

  /// A pair in `storage`: the name lies before `split`, the value after it.
  struct Entry: Sendable {
    var start: Int
    var split: Int
    var end: Int
  }

  private(set) var storage: [UInt8] = []
  private(set) var entries: [Entry] = []
  /// A name or value holds U+0000.
  public private(set) var hasNUL = false
  /// There were more than ``maximumCount`` fields: the rest was not read.
  public private(set) var isTruncated = false

  public var count: Int { entries.count }
  public var isEmpty: Bool { entries.isEmpty }

  /// Never fails: a percent sign without two digits stands for itself, invalid UTF-8 is kept as it is.
  public init(urlEncoded text: [UInt8]) {
    var decoder = Decoder()
    storage = [UInt8](unsafeUninitializedCapacity: text.count) { output, count in
      text.withUnsafeBufferPointer { count = decoder.decode($0, into: output) }
    }
    entries = decoder.entries
    hasNUL = decoder.hasNUL
    isTruncated = decoder.isTruncated
  }

  /// Pairs that are decoded already.
  public init(pairs: [(name: String, value: String)]) {
    for pair in pairs {
      let start = storage.count
      storage.append(contentsOf: pair.name.utf8)
      let split = storage.count
      storage.append(contentsOf: pair.value.utf8)
      entries.append(Entry(start: start, split: split, end: storage.count))
    }
    hasNUL = storage.contains(0)
  }
}

/// One pass over the text; what is decoded is never longer than what was encoded.
private struct Decoder {
  var entries: [FormFields.Entry] = []
  var hasNUL = false
  var isTruncated = false

  /// Writes the decoded bytes, names and values without anything between, and returns how many they are.
  mutating func decode(_ text: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>) -> Int {
    entries.reserveCapacity(48)
    var written = 0
    var position = 0
    while position < text.count {
      if text[position] == UInt8(ascii: "&") {
        position += 1
        continue
      }
      guard entries.count < FormFields.maximumCount else {
        isTruncated = true
        return written
      }
      decodePair(text, &position, output, &written)
    }
    return written
  }

  /// Decodes up to the next ampersand and steps over it.
  private mutating func decodePair(
    _ text: UnsafeBufferPointer<UInt8>, _ position: inout Int, _ output: UnsafeMutableBufferPointer<UInt8>,
    _ written: inout Int
  ) {
    let start = written
    var split = -1
    while position < text.count {
      var byte = text[position]
      position += 1
      if byte == UInt8(ascii: "&") { break }
      if byte == UInt8(ascii: "="), split < 0 {
        split = written
        continue
      }
      if byte == UInt8(ascii: "+") {
        byte = UInt8(ascii: " ")
      } else if byte == UInt8(ascii: "%"), position + 1 < text.count, let high = hexadecimalDigit(text[position]),
        let low = hexadecimalDigit(text[position + 1])
      {
        byte = high << 4 | low
        position += 2
      }
      if byte == 0 { hasNUL = true }
      output[written] = byte
      written += 1
    }
    entries.append(FormFields.Entry(start: start, split: split < 0 ? written : split, end: written))
  }
}

extension FormFields {
  /// The first value of a name, fit for a database: invalid UTF-8 and U+0000 are U+FFFD. nil: no such field.
  public subscript(name: String) -> String? {
    guard let index = firstIndex(of: name) else { return nil }
    return text(entries[index].split, entries[index].end)
  }

  /// The first value of a name, nil also where it is empty.
  public func nonEmpty(_ name: String) -> String? {
    guard let index = firstIndex(of: name), entries[index].split < entries[index].end else { return nil }
    return text(entries[index].split, entries[index].end)
  }

  public func contains(_ name: String) -> Bool { firstIndex(of: name) != nil }

  /// Whether the first value of a name is these bytes exactly.
  public func has(_ name: String, equalTo value: String) -> Bool {
    guard let index = firstIndex(of: name) else { return false }
    return storage[entries[index].split..<entries[index].end].elementsEqual(value.utf8)
  }

  /// The value's bytes as they were sent.
  public func bytes(of name: String) -> ArraySlice<UInt8>? {
    firstIndex(of: name).map { storage[entries[$0].split..<entries[$0].end] }
  }

  /// All pairs in order, fit for a database like ``subscript(name:)``.
  public var pairs: [(name: String, value: String)] {
    entries.map { (text($0.start, $0.split), text($0.split, $0.end)) }
  }

  /// Every name and value is valid UTF-8.
  public var isValidUTF8: Bool {
    entries.allSatisfy {
      String(validating: storage[$0.start..<$0.split], as: UTF8.self) != nil
        && String(validating: storage[$0.split..<$0.end], as: UTF8.self) != nil
    }
  }

  private func text(_ start: Int, _ end: Int) -> String {
    let bytes = storage[start..<end]
    guard hasNUL, bytes.contains(0) else { return String(decoding: bytes, as: UTF8.self) }
    return String(decoding: bytes, as: UTF8.self).replacingNUL()
  }

  private func firstIndex(of name: String) -> Int? {
    var name = name
    return name.withUTF8 { wanted in
      storage.withUnsafeBufferPointer { storage in
        entries.firstIndex { entry in
          guard entry.split - entry.start == wanted.count else { return false }
          for offset in 0..<wanted.count where storage[entry.start + offset] != wanted[offset] { return false }
          return true
        }
      }
    }
  }
}

extension FormFields {
  /// Appends what Twilio signs of a form: names sorted by their bytes, before each distinct value of a name, sorted
  /// too, the name once more, nothing in between (FACTS section 10).
  func appendCanonical(to bytes: inout [UInt8]) {
    storage.withUnsafeBufferPointer { storage in
      let sorted = entries.sorted { Self.compare($0, $1, storage) < 0 }
      var previous: Entry?
      for entry in sorted {
        if let previous, Self.compare(previous, entry, storage) == 0 { continue }
        bytes.append(contentsOf: storage[entry.start..<entry.end])
        previous = entry
      }
    }
  }

  /// Below zero, zero or above: by name, then by value.
  private static func compare(_ left: Entry, _ right: Entry, _ storage: UnsafeBufferPointer<UInt8>) -> Int {
    let names = compare(left.start, left.split, right.start, right.split, storage)
    return names != 0 ? names : compare(left.split, left.end, right.split, right.end, storage)
  }

  private static func compare(
    _ left: Int, _ leftEnd: Int, _ right: Int, _ rightEnd: Int, _ storage: UnsafeBufferPointer<UInt8>
  ) -> Int {
    let common = min(leftEnd - left, rightEnd - right)
    var offset = 0
    while offset < common {
      let difference = Int(storage[left + offset]) - Int(storage[right + offset])
      if difference != 0 { return difference }
      offset += 1
    }
    return (leftEnd - left) - (rightEnd - right)
  }
}

extension String {
  /// PostgreSQL keeps no U+0000 in a text.
  func replacingNUL() -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in unicodeScalars { scalars.append(scalar == "\0" ? "\u{FFFD}" : scalar) }
    return String(scalars)
  }
}

/// 0–15, or nil where the byte is no hexadecimal digit.
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
