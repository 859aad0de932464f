// A form as one JSON object, every field kept.

public import ChannelProtocol

extension RawPayload {
  /// `{"Body":"…","Tag":["a","b"]}`: fields in their order, a repeated name becomes an array at its first place.
  /// Names that differ in bytes only (NFC and NFD) stay two members. Invalid UTF-8 becomes U+FFFD; U+0000 is kept as
  /// the escape `\u0000`: the column is text, which holds the six characters of the escape (jsonb would refuse it).
  public init(_ fields: FormFields) {
    let repeated = fields.repetitions()
    if repeated.isEmpty, let json = fields.plainJSON() {
      self.init(json: json)
      return
    }
    var writer = JSONWriter(capacity: fields.storage.count + fields.count * 8 + 2)
    writer.object { writer in
      for (index, entry) in fields.entries.enumerated() {
        let indices = repeated[index] ?? [index]
        guard indices.first == index else { continue }
        writer.key(String(decoding: fields.storage[entry.start..<entry.split], as: UTF8.self))
        if indices.count == 1 {
          writer.value(fields.exactValue(entry))
        } else {
          writer.array { writer in
            for index in indices { writer.value(fields.exactValue(fields.entries[index])) }
          }
        }
      }
    }
    self.init(json: writer.bytes)
  }
}

extension FormFields {
  /// The object where no name repeats, straight from bytes to bytes; nil where the bytes are no UTF-8.
  fileprivate func plainJSON() -> [UInt8]? {
    guard isASCII || isValidUTF8 else { return nil }
    return storage.withUnsafeBufferPointer { storage in
      var size = 2 + entries.count * 6
      for byte in storage { size += JSONEscape.size(byte) }
      return [UInt8](unsafeUninitializedCapacity: size) { output, count in
        var escape = JSONEscape(output: output)
        escape.put(UInt8(ascii: "{"))
        for (index, entry) in entries.enumerated() {
          if index > 0 { escape.put(UInt8(ascii: ",")) }
          escape.quote(storage, entry.start, entry.split)
          escape.put(UInt8(ascii: ":"))
          escape.quote(storage, entry.split, entry.end)
        }
        escape.put(UInt8(ascii: "}"))
        count = escape.count
      }
    }
  }

  private var isASCII: Bool {
    storage.withUnsafeBufferPointer { storage in
      var bits: UInt8 = 0
      for byte in storage { bits |= byte }
      return bits < 0x80
    }
  }

  fileprivate func exactValue(_ entry: Entry) -> String {
    String(decoding: storage[entry.split..<entry.end], as: UTF8.self)
  }

  /// For each field whose name occurs more than once, the indices of all fields of that name, in order.
  fileprivate func repetitions() -> [Int: [Int]] {
    // Almost always no name repeats: nothing is allocated then.
    guard mayRepeatNames() else { return [:] }
    var groups: [ArraySlice<UInt8>: [Int]] = [:]
    for (index, entry) in entries.enumerated() { groups[storage[entry.start..<entry.split], default: []].append(index) }
    var repetitions: [Int: [Int]] = [:]
    for indices in groups.values where indices.count > 1 {
      for index in indices { repetitions[index] = indices }
    }
    return repetitions
  }

  private func mayRepeatNames() -> Bool {
    guard entries.count <= 64 else { return true }
    for index in entries.indices.dropFirst() {
      let name = storage[entries[index].start..<entries[index].split]
      for earlier in entries[..<index]
      where earlier.split - earlier.start == name.count && storage[earlier.start..<earlier.split] == name {
        return true
      }
    }
    return false
  }
}

/// Writes JSON strings into memory that is large enough: every byte of text takes at most what ``size(_:)`` says.
private struct JSONEscape {
  let output: UnsafeMutableBufferPointer<UInt8>
  private(set) var count = 0

  init(output: UnsafeMutableBufferPointer<UInt8>) { self.output = output }

  static func size(_ byte: UInt8) -> Int {
    byte < 0x20 ? 6 : byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") ? 2 : 1
  }

  mutating func put(_ byte: UInt8) {
    output[count] = byte
    count += 1
  }

  mutating func quote(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) {
    put(UInt8(ascii: "\""))
    var clean = start
    var index = start
    while index < end {
      let byte = text[index]
      if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        copy(text, clean, index)
        escape(byte)
        clean = index + 1
      }
      index += 1
    }
    copy(text, clean, end)
    put(UInt8(ascii: "\""))
  }

  /// What needs no escape goes over as a whole: nearly everything.
  private mutating func copy(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) {
    guard start < end, let source = text.baseAddress, let target = output.baseAddress else { return }
    (target + count).update(from: source + start, count: end - start)
    count += end - start
  }

  private mutating func escape(_ byte: UInt8) {
    put(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): put(byte)
    case 0x0A: put(UInt8(ascii: "n"))
    case 0x0D: put(UInt8(ascii: "r"))
    case 0x09: put(UInt8(ascii: "t"))
    default:
      put(UInt8(ascii: "u"))
      put(UInt8(ascii: "0"))
      put(UInt8(ascii: "0"))
      put(UInt8(ascii: "0") + (byte >> 4))
      let low = byte & 0xF
      put(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
    }
  }
}
