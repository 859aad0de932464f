// A statement's parameters, built in PostgreSQL's binary format straight into one buffer.

/// The parameters of one execution, in order.
///
/// Appending never throws: the first value that cannot be sent (NUL or invalid UTF-8 in text, more than PostgreSQL's
/// 1 GiB per message, a timestamp out of range) is remembered with its index, and `Connection` throws it as
/// `.invalidValue` before it sends anything. `validate()` asks for it earlier.
public struct Parameters: Sendable {
  struct Slot: Sendable {
    var type: PostgresType
    var offset: Int
    /// In bytes; -1 is NULL.
    var length: Int32
  }

  private(set) var buffer: [UInt8] = []
  private(set) var slots: [Slot] = []
  private(set) var failure: PostgresError?
  private let limit: Int

  /// A Bind message must stay under 1 GiB - 1 (PostgreSQL's `MaxAllocSize`); a mebibyte is left for its frame.
  static let maximumBytes = (1 << 30) - (1 << 20)
  /// The protocol counts parameters in 16 bits.
  static let maximumCount = 65_535

  public init() { self.init(limit: Self.maximumBytes) }

  /// - Parameter limit: bytes in total; smaller than the real one in tests only.
  init(limit: Int) { self.limit = limit }

  public var count: Int { slots.count }

  /// Forgets the values and keeps the memory.
  public mutating func removeAll() {
    buffer.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    failure = nil
  }

  /// Throws the first value that cannot be sent.
  public func validate() throws(PostgresError) {
    if let failure { throw failure }
  }

  func validate(for statement: Statement) throws(PostgresError) {
    guard var failure else { return }
    failure.statement = statement.name
    throw failure
  }

  // MARK: Scalars. nil is NULL.

  public mutating func int2(_ value: Int16?) { scalar(.int2, value) { $0.put($1) } }
  public mutating func int4(_ value: Int32?) { scalar(.int4, value) { $0.put($1) } }
  public mutating func int8(_ value: Int64?) { scalar(.int8, value) { $0.put($1) } }
  public mutating func bool(_ value: Bool?) { scalar(.bool, value) { $0.put(byte: $1 ? 1 : 0) } }
  public mutating func double(_ value: Double?) { scalar(.float8, value) { $0.put($1.bitPattern) } }
  public mutating func uuid(_ value: UUIDBytes?) { scalar(.uuid, value) { $0.put($1) } }
  public mutating func bytes(_ value: [UInt8]?) { scalar(.bytea, value) { $0.put($1, element: nil) } }

  /// `timestamptz`, in microseconds since 1970-01-01 UTC.
  public mutating func timestamp(_ microseconds: Int64?) {
    scalar(.timestamptz, microseconds) { $0.put(timestamp: $1, element: nil) }
  }

  public mutating func text(_ value: String?) { scalar(.text, value) { $0.put(text: $1, element: nil) } }

  /// Text that comes as bytes and is checked to be UTF-8.
  public mutating func text(utf8 value: [UInt8]?) { scalar(.text, value) { $0.put(utf8: $1, element: nil) } }

  /// JSON text as UTF-8.
  public mutating func jsonb(_ value: [UInt8]?) {
    scalar(.jsonb, value) {
      $0.put(byte: 1)  // The version that leads binary jsonb.
      $0.put(utf8: $1, element: nil)
    }
  }

  public mutating func jsonb(_ value: String?) {
    scalar(.jsonb, value) {
      $0.put(byte: 1)
      $0.put(text: $1, element: nil)
    }
  }

  public mutating func null(_ type: PostgresType) { close(type, at: buffer.count, isNull: true) }

  @inline(__always)
  private mutating func scalar<Value>(
    _ type: PostgresType, _ value: Value?, _ write: (inout Parameters, Value) -> Void
  ) {
    let start = buffer.count
    if let value { write(&self, value) }
    close(type, at: start, isNull: value == nil)
  }

  // MARK: Slots

  private mutating func close(_ type: PostgresType, at start: Int, isNull: Bool) {
    if slots.count >= Self.maximumCount {
      fail("more than \(Self.maximumCount) parameters", element: nil)
      return
    }
    let length = buffer.count - start
    if isNull || length > limit {
      slots.append(Slot(type: type, offset: start, length: -1))
    } else {
      slots.append(Slot(type: type, offset: start, length: Int32(length)))
    }
  }

  /// Remembers the first failure. `slots.count` is the index of the parameter that is being written.
  mutating func fail(_ reason: String, element: Int?) {
    guard failure == nil else { return }
    let place = element.map { "parameter \(slots.count), element \($0)" } ?? "parameter \(slots.count)"
    failure = PostgresError(.invalidValue, "\(place): \(reason)")
  }

  // MARK: Writing

  @inline(__always)
  mutating func put(byte: UInt8) {
    guard hasRoom(1, element: nil) else { return }
    buffer.append(byte)
  }

  @inline(__always)
  mutating func put(_ value: some FixedWidthInteger) {
    guard hasRoom(value.bitWidth / 8, element: nil) else { return }
    withUnsafeBytes(of: value.bigEndian) { buffer.append(contentsOf: $0) }
  }

  @inline(__always)
  mutating func put(_ value: UUIDBytes) {
    put(value.high)
    put(value.low)
  }

  mutating func put(timestamp microseconds: Int64, element: Int?) {
    // The extremes are PostgreSQL's infinities in both countings.
    if microseconds == .max || microseconds == .min { return put(microseconds) }
    let (shifted, overflow) = microseconds.subtractingReportingOverflow(postgresEpochMicroseconds)
    if overflow { return fail("the timestamp is out of range", element: element) }
    put(shifted)
  }

  mutating func put(_ bytes: [UInt8], element: Int?) {
    guard hasRoom(bytes.count, element: element) else { return }
    buffer.append(contentsOf: bytes)
  }

  mutating func put(text: String, element: Int?) {
    var text = text
    text.withUTF8 { utf8 in
      guard hasRoom(utf8.count, element: element) else { return }
      if utf8.contains(0) { return fail("text must not contain NUL", element: element) }
      buffer.append(contentsOf: utf8)
    }
  }

  mutating func put(utf8 bytes: [UInt8], element: Int?) {
    guard hasRoom(bytes.count, element: element) else { return }
    if bytes.contains(0) { return fail("text must not contain NUL", element: element) }
    do {
      _ = try UTF8Span(validating: bytes.span)
      buffer.append(contentsOf: bytes)
    } catch {
      fail("text is not valid UTF-8 (\(error.kind) at byte \(error.byteOffsets.lowerBound))", element: element)
    }
  }

  private mutating func hasRoom(_ more: Int, element: Int?) -> Bool {
    if more <= limit - buffer.count { return true }
    fail("the parameters exceed \(limit) bytes", element: element)
    return false
  }

  /// Overwrites four bytes that were written as a placeholder; does nothing where no room was left for them.
  mutating func patch(_ value: Int32, at offset: Int) {
    guard offset + 4 <= buffer.count else { return }
    withUnsafeBytes(of: value.bigEndian) { bytes in
      for index in 0..<4 { buffer[offset + index] = bytes[index] }
    }
  }

  /// One array parameter: header, then for each element its length and what `write` appends (nothing and `false`: NULL).
  ///
  /// The header is dimensions, has-nulls flag, the element's OID, length, lower bound; an empty array has none of the
  /// last two (`array_recv` in PostgreSQL's sources).
  @inline(__always)
  mutating func array(
    _ type: PostgresType, of elementType: PostgresType, count: Int, estimate: Int,
    _ write: (inout Parameters, Int) -> Bool
  ) {
    let start = buffer.count
    if count > Int(Int32.max) { return fail("the array is too long", element: nil) }
    reserve(20 + count * (4 + estimate))
    put(Int32(count == 0 ? 0 : 1))
    put(Int32(0))
    put(elementType.rawValue)
    if count > 0 {
      put(Int32(count))
      put(Int32(1))
      var hasNull = false
      for index in 0..<count {
        let lengthOffset = buffer.count
        put(Int32(-1))
        let valueOffset = buffer.count
        if write(&self, index) {
          patch(Int32(buffer.count - valueOffset), at: lengthOffset)
        } else {
          hasNull = true
        }
        if failure != nil { break }
      }
      if hasNull { patch(1, at: start + 4) }
    }
    close(type, at: start, isNull: false)
  }

  /// Grows at least twofold, so that many small reservations stay linear.
  private mutating func reserve(_ more: Int) {
    let needed = buffer.count + min(more, limit)
    if needed > buffer.capacity { buffer.reserveCapacity(max(needed, min(2 * buffer.capacity, limit))) }
  }
}
