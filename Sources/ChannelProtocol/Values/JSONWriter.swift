// Writes JSON by hand into one buffer: a tenth of the cost of `JSONEncoder` for an event.

/// An append-only JSON text. The caller opens and closes what it writes; commas are put in by the writer.
public struct JSONWriter: Sendable {
  /// The text so far, UTF-8.
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  public init(capacity: Int = 1_024) { bytes.reserveCapacity(capacity) }

  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Writes `{`, the members that `body` writes, and `}`.
  public mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
    open(UInt8(ascii: "{"))
    try body(&self)
    close(UInt8(ascii: "}"))
  }

  /// Writes `[`, the elements that `body` writes, and `]`.
  public mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
    open(UInt8(ascii: "["))
    try body(&self)
    close(UInt8(ascii: "]"))
  }

  /// Writes a member's name; its value must follow. Names are ours: they hold nothing that needs an escape.
  public mutating func key(_ name: StaticString) {
    let needsComma = needsComma
    bytes.append(room: name.utf8CodeUnitCount + 4) { cursor in
      if needsComma { cursor.put(",") }
      cursor.put("\"")
      name.withUTF8Buffer { cursor.put($0) }
      cursor.put("\"")
      cursor.put(":")
    }
    self.needsComma = false
  }

  /// Writes a member's name that came from outside, escaped.
  public mutating func key(_ name: String) {
    quote(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// Writes a member whose name and value, a string, came from outside. Both are valid UTF-8.
  public mutating func member(utf8 name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
    quote(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
    quote(value)
    needsComma = true
  }

  public mutating func null() { literal("null") }

  public mutating func value(_ value: Bool) { literal(value ? "true" : "false") }

  public mutating func value(_ value: some BinaryInteger) {
    separate()
    appendDecimal(Int64(value))
    needsComma = true
  }

  /// JSON has no infinities: those become null.
  public mutating func value(_ value: Double) {
    guard value.isFinite else { return null() }
    separate()
    if let whole = Int64(exactly: value), abs(value) < 1e15 {
      appendDecimal(whole)
    } else {
      bytes.append(contentsOf: value.description.utf8)
    }
    needsComma = true
  }

  public mutating func value(_ value: String) {
    quote(value)
    needsComma = true
  }

  public mutating func value(_ value: Identifier) {
    quote(room: Identifier.length) { value.write(to: &$0) }
    needsComma = true
  }

  public mutating func value(_ value: Timestamp) {
    quote(room: Timestamp.length) { value.write(to: &$0) }
    needsComma = true
  }

  public mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let value): self.value(value)
    case .integer(let value): self.value(value)
    case .number(let value): self.value(value)
    case .string(let value): self.value(value)
    case .array(let elements): array { writer in for element in elements { writer.value(element) } }
    case .object(let members):
      object { writer in
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
          writer.key(name)
          writer.value(member)
        }
      }
    }
  }

  /// Writes a text that already is one JSON value.
  public mutating func raw(_ json: some Sequence<UInt8>) {
    separate()
    bytes.append(contentsOf: json)
    needsComma = true
  }

  /// Ends a text, and begins another on the next line.
  public mutating func endLine() {
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }

  // MARK: Optional values: `null` where there is none

  public mutating func value(_ value: String?) { if let value { self.value(value) } else { null() } }
  public mutating func value(_ value: Identifier?) { if let value { self.value(value) } else { null() } }
  public mutating func value(_ value: Timestamp?) { if let value { self.value(value) } else { null() } }
  public mutating func value(_ value: Int?) { if let value { self.value(value) } else { null() } }
  public mutating func value(_ value: Double?) { if let value { self.value(value) } else { null() } }

  // MARK: Parts

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  private mutating func literal(_ text: StaticString) {
    let needsComma = needsComma
    bytes.append(room: text.utf8CodeUnitCount + 1) { cursor in
      if needsComma { cursor.put(",") }
      text.withUTF8Buffer { cursor.put($0) }
    }
    self.needsComma = true
  }

  private mutating func appendDecimal(_ value: Int64) {
    var magnitude = value.magnitude
    var length = value < 0 ? 2 : 1
    var bound: UInt64 = 10
    while magnitude >= bound {
      length += 1
      let (next, isOver) = bound.multipliedReportingOverflow(by: 10)
      if isOver { break }
      bound = next
    }
    bytes.append(room: length) { cursor in
      if value < 0 { cursor.put("-") }
      cursor.put(value < 0 ? length - 1 : length) { digits in
        for index in digits.indices.reversed() {
          digits[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: magnitude % 10)
          magnitude /= 10
        }
      }
    }
  }

  private mutating func quote(_ text: String) {
    var text = text
    text.withUTF8 { quote($0) }
  }

  /// Writes a string, after a comma where one is due.
  private mutating func quote(_ utf8: UnsafeBufferPointer<UInt8>) {
    let clean = utf8.firstToEscape(from: 0)
    guard clean < utf8.count else { return quote(room: utf8.count) { $0.put(utf8) } }
    separate()
    bytes.append(UInt8(ascii: "\""))
    quote(utf8, escapingFrom: clean)
    bytes.append(UInt8(ascii: "\""))
  }

  /// Writes a string of at most `room` bytes that hold nothing to escape, after a comma where one is due.
  @inline(__always)
  private mutating func quote(room: Int, _ write: (inout ByteCursor) -> Void) {
    let needsComma = needsComma
    bytes.append(room: room + 3) { cursor in
      if needsComma { cursor.put(",") }
      cursor.put("\"")
      write(&cursor)
      cursor.put("\"")
    }
  }

  private mutating func quote(_ utf8: UnsafeBufferPointer<UInt8>, escapingFrom first: Int) {
    var start = 0
    var next = first
    while next < utf8.count {
      bytes.append(contentsOf: utf8[start..<next])
      bytes.append(room: 6) { $0.put(escaped: utf8[next]) }
      start = next + 1
      next = utf8.firstToEscape(from: start)
    }
    bytes.append(contentsOf: utf8[start...])
  }
}

// MARK: Members: a name and its value in one call

extension JSONWriter {
  public mutating func member(_ name: StaticString, _ value: String) {
    key(name)
    self.value(value)
  }

  public mutating func member(_ name: StaticString, _ value: String?) {
    key(name)
    self.value(value)
  }

  public mutating func member(_ name: StaticString, _ value: Identifier?) {
    key(name)
    self.value(value)
  }

  public mutating func member(_ name: StaticString, _ value: Timestamp?) {
    key(name)
    self.value(value)
  }

  public mutating func member(_ name: StaticString, _ value: Bool) {
    key(name)
    self.value(value)
  }

  public mutating func member(_ name: StaticString, _ value: Int?) {
    key(name)
    self.value(value)
  }

  public mutating func member(_ name: StaticString, _ value: Double) {
    key(name)
    self.value(value)
  }

  public mutating func member(_ name: StaticString, _ value: JSONValue) {
    key(name)
    self.value(value)
  }

  /// A member whose value is an object or array that `body` writes.
  public mutating func member(_ name: StaticString, _ body: (inout JSONWriter) throws -> Void) rethrows {
    key(name)
    try body(&self)
  }
}
