// Typed access to the columns of one row.

import CLibpq

/// One row of an answer. Columns are counted from 0.
///
/// Each accessor checks the column's type and throws `.unexpectedResult` when it is another, or when it is NULL and
/// the accessor is not an `…OrNil` one. Integers widen; text reads `text`, `varchar`, `bpchar`, `name` and `json`.
public struct Row: Sendable {
  let result: ResultMemory
  let row: Int32

  public func isNull(_ column: Int) throws(PostgresError) -> Bool {
    guard column >= 0, column < result.columnCount else { throw outside(column) }
    return PQgetisnull(result.pointer, row, Int32(column)) == 1
  }

  // MARK: Values

  public func bool(_ column: Int) throws(PostgresError) -> Bool { try some(boolOrNil(column), column) }
  public func boolOrNil(_ column: Int) throws(PostgresError) -> Bool? {
    guard let value = try value(column), try matches(column, .bool) else { return nil }
    return value[0] != 0
  }

  public func int2(_ column: Int) throws(PostgresError) -> Int16 { try some(int2OrNil(column), column) }
  public func int2OrNil(_ column: Int) throws(PostgresError) -> Int16? {
    guard let value = try value(column), try matches(column, .int2) else { return nil }
    return value.bigEndian(Int16.self)
  }

  public func int4(_ column: Int) throws(PostgresError) -> Int32 { try some(int4OrNil(column), column) }
  public func int4OrNil(_ column: Int) throws(PostgresError) -> Int32? {
    guard let value = try value(column), try matches(column, .int4, .int2) else { return nil }
    return value.count == 2 ? Int32(value.bigEndian(Int16.self)) : value.bigEndian(Int32.self)
  }

  public func int8(_ column: Int) throws(PostgresError) -> Int64 { try some(int8OrNil(column), column) }
  public func int8OrNil(_ column: Int) throws(PostgresError) -> Int64? {
    guard let value = try value(column), try matches(column, .int8, .int4, .int2) else { return nil }
    switch value.count {
    case 2: return Int64(value.bigEndian(Int16.self))
    case 4: return Int64(value.bigEndian(Int32.self))
    default: return value.bigEndian(Int64.self)
    }
  }

  public func double(_ column: Int) throws(PostgresError) -> Double { try some(doubleOrNil(column), column) }
  public func doubleOrNil(_ column: Int) throws(PostgresError) -> Double? {
    guard let value = try value(column), try matches(column, .float8, .float4) else { return nil }
    if value.count == 4 { return Double(Float(bitPattern: value.bigEndian(UInt32.self))) }
    return Double(bitPattern: value.bigEndian(UInt64.self))
  }

  public func text(_ column: Int) throws(PostgresError) -> String { try some(textOrNil(column), column) }
  public func textOrNil(_ column: Int) throws(PostgresError) -> String? {
    guard let value = try value(column), try isText(column) else { return nil }
    return String(decoding: value, as: UTF8.self)
  }

  /// The bytes of `bytea`, or of text as UTF-8.
  public func bytes(_ column: Int) throws(PostgresError) -> [UInt8] { try some(bytesOrNil(column), column) }
  public func bytesOrNil(_ column: Int) throws(PostgresError) -> [UInt8]? {
    guard let value = try value(column) else { return nil }
    if type(column) != .bytea { _ = try isText(column) }
    return [UInt8](value)
  }

  public func uuid(_ column: Int) throws(PostgresError) -> UUIDBytes { try some(uuidOrNil(column), column) }
  public func uuidOrNil(_ column: Int) throws(PostgresError) -> UUIDBytes? {
    guard let value = try value(column), try matches(column, .uuid) else { return nil }
    return UUIDBytes(value)
  }

  /// `timestamptz` in microseconds since 1970-01-01 UTC; the infinities are `Int64.max` and `Int64.min`.
  public func timestamp(_ column: Int) throws(PostgresError) -> Int64 { try some(timestampOrNil(column), column) }
  public func timestampOrNil(_ column: Int) throws(PostgresError) -> Int64? {
    guard let value = try value(column), try matches(column, .timestamptz, .timestamp) else { return nil }
    let microseconds = value.bigEndian(Int64.self)
    if microseconds == .max || microseconds == .min { return microseconds }
    return microseconds + postgresEpochMicroseconds
  }

  /// The JSON text of `jsonb` (without its version byte) or `json`, as UTF-8.
  public func jsonb(_ column: Int) throws(PostgresError) -> [UInt8] { try some(jsonbOrNil(column), column) }
  public func jsonbOrNil(_ column: Int) throws(PostgresError) -> [UInt8]? {
    guard let value = try value(column), try matches(column, .jsonb, .json) else { return nil }
    guard type(column) == .jsonb else { return [UInt8](value) }
    guard value.first == 1 else { throw PostgresError(.unexpectedResult, "unknown version of binary jsonb") }
    return [UInt8](value.dropFirst())
  }

  /// The raw binary value where libpq keeps it, valid within `body` only; nil is NULL. No type check.
  public func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer?) throws -> Result) throws -> Result {
    try body(try value(column))
  }

  // MARK: Arrays: one-dimensional, of elements that are not NULL

  public func textArray(_ column: Int) throws(PostgresError) -> [String] {
    try array(column, .textArray, .varcharArray) { String(decoding: $0, as: UTF8.self) }
  }
  public func bytesArray(_ column: Int) throws(PostgresError) -> [[UInt8]] {
    try array(column, .byteaArray) { [UInt8]($0) }
  }
  public func uuidArray(_ column: Int) throws(PostgresError) -> [UUIDBytes] {
    try array(column, .uuidArray) { UUIDBytes($0) }
  }
  public func int4Array(_ column: Int) throws(PostgresError) -> [Int32] {
    try array(column, .int4Array) { $0.bigEndian(Int32.self) }
  }
  public func int8Array(_ column: Int) throws(PostgresError) -> [Int64] {
    try array(column, .int8Array) { $0.bigEndian(Int64.self) }
  }

  private func array<Element>(
    _ column: Int, _ types: PostgresType..., decode: (UnsafeRawBufferPointer) -> Element
  ) throws(PostgresError) -> [Element] {
    guard let value = try value(column) else { throw isNullError(column) }
    guard types.contains(type(column)) else { throw mismatch(column, types) }
    var reader = ArrayReader(value)
    return try reader.elements(decode)
  }

  // MARK: Checks

  private func type(_ column: Int) -> PostgresType {
    PostgresType(rawValue: PQftype(result.pointer, Int32(column)))
  }

  /// libpq's bytes; nil is NULL.
  private func value(_ column: Int) throws(PostgresError) -> UnsafeRawBufferPointer? {
    if try isNull(column) { return nil }
    let length = PQgetlength(result.pointer, row, Int32(column))
    return UnsafeRawBufferPointer(start: PQgetvalue(result.pointer, row, Int32(column)), count: Int(length))
  }

  @inline(__always)
  private func matches(
    _ column: Int, _ first: PostgresType, _ second: PostgresType? = nil, _ third: PostgresType? = nil
  ) throws(PostgresError) -> Bool {
    let type = type(column)
    if type == first || type == second || type == third { return true }
    throw mismatch(column, [first])
  }

  private func isText(_ column: Int) throws(PostgresError) -> Bool {
    switch type(column) {
    case .text, .varchar, .bpchar, .name, .json, .unknown: return true
    default: throw mismatch(column, [.text])
    }
  }

  private func some<Value>(_ value: Value?, _ column: Int) throws(PostgresError) -> Value {
    guard let value else { throw isNullError(column) }
    return value
  }

  private func label(_ column: Int) -> String {
    guard let name = PQfname(result.pointer, Int32(column)) else { return "column \(column)" }
    return "column \(column) (\(String(cString: name)))"
  }
  private func outside(_ column: Int) -> PostgresError {
    PostgresError(.unexpectedResult, "column \(column) of \(result.columnCount)")
  }
  private func isNullError(_ column: Int) -> PostgresError {
    PostgresError(.unexpectedResult, "\(label(column)) is NULL")
  }
  private func mismatch(_ column: Int, _ wanted: [PostgresType]) -> PostgresError {
    let words = wanted.map(\.description).joined(separator: " or ")
    return PostgresError(.unexpectedResult, "\(label(column)) is \(type(column)), read as \(words)")
  }
}
