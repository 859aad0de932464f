// One request from a provider as the journal keeps it.

import ChannelProtocol

/// A request as it came. What its signature is made over, target and body, is kept byte for byte.
struct JournalEntry: Sendable {
  var receivedAt: Timestamp
  /// The HTTP method's name.
  var method: String
  /// Path and query as they stood in the request line.
  var target: String
  /// In the order in which they came; a name may stand there more than once.
  var headers: [(name: String, value: String)]
  var body: [UInt8]
}

// MARK: Payload: version, microseconds, then each part with its length in front; all numbers little-endian

extension JournalEntry {
  private static let version: UInt8 = 1

  /// Appends the entry's binary form.
  func append(to bytes: inout [UInt8]) {
    func number(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    func part(_ content: some Collection<UInt8>) {
      number(UInt32(content.count))
      bytes.append(contentsOf: content)
    }
    bytes.append(Self.version)
    number(receivedAt.microseconds)
    part(method.utf8)
    part(target.utf8)
    number(UInt32(headers.count))
    for header in headers {
      part(header.name.utf8)
      part(header.value.utf8)
    }
    part(body)
  }

  /// Reads the binary form; nil where it is not one of ours.
  init?(payload: ArraySlice<UInt8>) {
    var reader = PayloadReader(rest: payload)
    guard reader.byte() == Self.version, let microseconds = reader.number(Int64.self), let method = reader.part(),
      let target = reader.part(), let headerCount = reader.number(UInt32.self),
      // Each header takes eight bytes at least: a mad count must not reserve memory.
      Int(headerCount) <= reader.rest.count / 8
    else { return nil }
    var headers: [(name: String, value: String)] = []
    headers.reserveCapacity(Int(headerCount))
    for _ in 0..<headerCount {
      guard let name = reader.part(), let value = reader.part() else { return nil }
      headers.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
    }
    guard let body = reader.part(), reader.rest.isEmpty else { return nil }
    self.init(
      receivedAt: Timestamp(microseconds: microseconds), method: String(decoding: method, as: UTF8.self),
      target: String(decoding: target, as: UTF8.self), headers: headers, body: Array(body))
  }
}

private struct PayloadReader {
  var rest: ArraySlice<UInt8>

  mutating func byte() -> UInt8? { rest.popFirst() }

  mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
    let size = MemoryLayout<Number>.size
    guard rest.count >= size else { return nil }
    defer { rest = rest.dropFirst(size) }
    return rest.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(as: Number.self)) }
  }

  mutating func part() -> ArraySlice<UInt8>? {
    guard let count = number(UInt32.self), rest.count >= Int(count) else { return nil }
    defer { rest = rest.dropFirst(Int(count)) }
    return rest.prefix(Int(count))
  }
}
