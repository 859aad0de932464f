// Reads a wide row from left to right, and carries our types over to the database's.

import ChannelProtocol
import Postgres

/// A cursor over one row's columns.
struct ColumnReader {
  let row: Row
  private var column = 0

  init(_ row: Row, from column: Int = 0) {
    self.row = row
    self.column = column
  }

  private mutating func next() -> Int {
    defer { column += 1 }
    return column
  }

  mutating func skip(_ count: Int) { column += count }
  var isNextNull: Bool { get throws { try row.isNull(column) } }
  mutating func identifier() throws -> Identifier { Identifier(try row.uuid(next())) }
  mutating func identifierOrNil() throws -> Identifier? { try row.uuidOrNil(next()).map { Identifier($0) } }
  mutating func timestamp() throws -> Timestamp { Timestamp(microseconds: try row.timestamp(next())) }
  mutating func timestampOrNil() throws -> Timestamp? {
    try row.timestampOrNil(next()).map { Timestamp(microseconds: $0) }
  }
  mutating func text() throws -> String { try row.text(next()) }
  mutating func textOrNil() throws -> String? { try row.textOrNil(next()) }
  mutating func utf8() throws -> [UInt8] { try row.withBytes(next()) { Array($0 ?? .init(start: nil, count: 0)) } }
  mutating func bool() throws -> Bool { try row.bool(next()) }
  mutating func int2() throws -> Int { Int(try row.int2(next())) }
  mutating func int2OrNil() throws -> Int? { try row.int2OrNil(next()).map { Int($0) } }
  mutating func int4() throws -> Int { Int(try row.int4(next())) }
  mutating func int4OrNil() throws -> Int? { try row.int4OrNil(next()).map { Int($0) } }
  mutating func int8() throws -> Int64 { try row.int8(next()) }
  mutating func int8OrNil() throws -> Int64? { try row.int8OrNil(next()) }
  mutating func doubleOrNil() throws -> Double? { try row.doubleOrNil(next()) }
  mutating func bytes() throws -> [UInt8] { try row.bytes(next()) }
  mutating func bytesOrNil() throws -> [UInt8]? { try row.bytesOrNil(next()) }
  mutating func jsonb() throws -> [UInt8] { try row.jsonb(next()) }
  mutating func bytesArray() throws -> [[UInt8]] { try row.bytesArray(next()) }
  mutating func textArray() throws -> [String] { try row.textArray(next()) }
  mutating func identifierArray() throws -> [Identifier] { try row.uuidArray(next()).map { Identifier($0) } }
  mutating func int4Array() throws -> [Int32] { try row.int4Array(next()) }
  mutating func int8Array() throws -> [Int64] { try row.int8Array(next()) }
}

extension Identifier {
  init(_ uuid: UUIDBytes) { self.init(high: uuid.high, low: uuid.low) }
  var uuid: UUIDBytes { UUIDBytes(high: high, low: low) }
}

extension Parameters {
  mutating func identifier(_ value: Identifier?) { uuid(value?.uuid) }
  mutating func timestamp(_ value: Timestamp?) { timestamp(value?.microseconds) }
  mutating func identifierArray(_ values: [Identifier]) { uuidArray(values.map(\.uuid)) }
  mutating func identifierArray(_ values: [Identifier?]) { uuidArray(values.map { $0?.uuid }) }
  mutating func timestampArray(_ values: [Timestamp]) { timestampArray(values.map(\.microseconds)) }
  mutating func timestampArray(_ values: [Timestamp?]) { timestampArray(values.map { $0?.microseconds }) }
}

extension Parameters {
  mutating func identifierColumn<Item>(_ items: [Item], _ value: (borrowing Item) -> Identifier?) {
    uuidColumn(items) { value($0)?.uuid }
  }
  mutating func timestampColumn<Item>(_ items: [Item], _ value: (borrowing Item) -> Timestamp?) {
    timestampColumn(items) { value($0)?.microseconds }
  }
}
