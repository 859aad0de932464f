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
    var writer = JSONWriter(capacity: storage.count + entries.count * 6 + 2)
    storage.withUnsafeBufferPointer { storage in
      writer.object { writer in
        for entry in entries {
          writer.member(
            utf8: UnsafeBufferPointer(rebasing: storage[entry.start..<entry.split]),
            UnsafeBufferPointer(rebasing: storage[entry.split..<entry.end]))
        }
      }
    }
    return writer.bytes
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
