// Every type, there and back.

import Testing

@testable import Postgres

@Suite("Round trips")
struct RoundTripTests {
  private static let wild = "Grüße, 世界 👩‍👩‍👧 e\u{301} \u{7f}\t\n\"'\\"

  @Test("scalars come back as they were sent")
  func scalars() async throws {
    let uuid = UUIDBytes(high: 0x0198_c0de_0000_7000, low: 0x8fff_ffff_ffff_fffe)
    let row = try await PostgresFixture.withConnection { connection in
      var parameters = Parameters()
      parameters.int2(-12_345)
      parameters.int4(.min)
      parameters.int8(.max)
      parameters.bool(true)
      parameters.double(-0.1)
      parameters.text(Self.wild)
      parameters.bytes([0, 1, 255, 0])
      parameters.uuid(uuid)
      parameters.timestamp(1_763_800_000_123_456)
      parameters.jsonb(#"{"a": [1, "ü"]}"#)
      parameters.text("")
      parameters.bytes([])
      let statement = Statement(
        "scalars", "SELECT $1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$8::text,extract(epoch from $9)::int8")
      return try connection.execute(statement, parameters).single()
    }
    #expect(try row.int2(0) == -12_345)
    #expect(try row.int4(1) == .min)
    #expect(try row.int8(2) == .max)
    #expect(try row.bool(3))
    #expect(try row.double(4) == -0.1)
    #expect(try Array(row.text(5).utf8) == Array(Self.wild.utf8))
    #expect(try row.bytes(6) == [0, 1, 255, 0])
    #expect(try row.uuid(7) == uuid)
    #expect(try row.timestamp(8) == 1_763_800_000_123_456)
    #expect(try row.jsonb(9) == Array(#"{"a": [1, "ü"]}"#.utf8))
    #expect(try row.text(10) == "")
    #expect(try row.bytes(11) == [])
    #expect(try row.text(12) == uuid.description)
    #expect(try row.int8(13) == 1_763_800_000)
    #expect(try row.int8(0) == -12_345, "integers widen")
  }

  @Test("NULL of every type comes back as nil, and as an error from the accessors that promise a value")
  func nulls() async throws {
    let row = try await PostgresFixture.withConnection { connection in
      var parameters = Parameters()
      parameters.int2(nil)
      parameters.int4(nil)
      parameters.int8(nil)
      parameters.bool(nil)
      parameters.double(nil)
      parameters.text(nil)
      parameters.bytes(nil)
      parameters.uuid(nil)
      parameters.timestamp(nil)
      parameters.null(.jsonb)
      return try connection.execute(Statement("nulls", "SELECT $1,$2,$3,$4,$5,$6,$7,$8,$9,$10"), parameters).single()
    }
    #expect(try row.int2OrNil(0) == nil)
    #expect(try row.int4OrNil(1) == nil)
    #expect(try row.int8OrNil(2) == nil)
    #expect(try row.boolOrNil(3) == nil)
    #expect(try row.doubleOrNil(4) == nil)
    #expect(try row.textOrNil(5) == nil)
    #expect(try row.bytesOrNil(6) == nil)
    #expect(try row.uuidOrNil(7) == nil)
    #expect(try row.timestampOrNil(8) == nil)
    #expect(try row.jsonbOrNil(9) == nil)
    #expect(throws: PostgresError.self) { try row.text(5) }
  }

  @Test("arrays of every type become rows through unnest, NULLs included")
  func arrays() async throws {
    let ids = [UUIDBytes(high: 1, low: 2), UUIDBytes(high: .max, low: .max)]
    let rows = try await PostgresFixture.withConnection { connection in
      var parameters = Parameters()
      parameters.int2Array([1, nil])
      parameters.int4Array([Int32.min, nil])
      parameters.int8Array([nil, Int64.max])
      parameters.doubleArray([1.5, nil])
      parameters.boolArray([nil, true])
      parameters.textArray([Self.wild, nil])
      parameters.uuidArray(ids)
      parameters.timestampArray([0, nil])
      parameters.jsonbArray([nil, "[1]"])
      parameters.byteaArray([[], [0, 9]])
      return try connection.execute(
        Statement("arrays", "SELECT * FROM unnest($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)"), parameters)
    }
    #expect(rows.count == 2)
    let (first, second) = (rows[0], rows[1])
    #expect(try first.int2(0) == 1 && second.int2OrNil(0) == nil)
    #expect(try first.int4(1) == .min && second.int4OrNil(1) == nil)
    #expect(try first.int8OrNil(2) == nil && second.int8(2) == .max)
    #expect(try first.double(3) == 1.5 && second.doubleOrNil(3) == nil)
    #expect(try first.boolOrNil(4) == nil && second.bool(4))
    #expect(try first.text(5) == Self.wild && second.textOrNil(5) == nil)
    #expect(try first.uuid(6) == ids[0] && second.uuid(6) == ids[1])
    #expect(try first.timestamp(7) == 0 && second.timestampOrNil(7) == nil)
    #expect(try first.jsonbOrNil(8) == nil && second.jsonb(8) == Array("[1]".utf8))
    #expect(try first.bytes(9) == [] && second.bytes(9) == [0, 9])
  }

  @Test("empty arrays and arrays without NULLs come back")
  func wholeArrays() async throws {
    let uuids = (0..<300).map { UUIDBytes(high: $0, low: ~$0) }
    let row = try await PostgresFixture.withConnection { connection in
      var parameters = Parameters()
      parameters.textArray([String]())
      parameters.textArray(["a", "", Self.wild])
      parameters.uuidArray(uuids)
      parameters.int4Array([1, 2, 3] as [Int32])
      parameters.int8Array([-1] as [Int64])
      parameters.textArray(["x", nil])
      parameters.jsonbArray([[0x31]] as [[UInt8]])
      parameters.byteaArray([[], [0, 0xFF]] as [[UInt8]])
      return try connection.execute(
        Statement("whole", "SELECT $1,$2,$3,$4,$5,$6,cardinality($7),$8"), parameters
      ).single()
    }
    #expect(try row.textArray(0) == [])
    #expect(try row.textArray(1) == ["a", "", Self.wild])
    #expect(try row.uuidArray(2) == uuids)
    #expect(try row.int4Array(3) == [1, 2, 3])
    #expect(try row.int8Array(4) == [-1])
    #expect(throws: PostgresError.self) { try row.textArray(5) }
    #expect(try row.int4(6) == 1)
    #expect(try row.bytesArray(7) == [[], [0, 0xFF]])
  }

  @Test("reading a column as another type says which column and which types")
  func wrongType() async throws {
    let row = try await PostgresFixture.withConnection { connection in
      try connection.execute(Statement("wrong", "SELECT 'x'::text AS word, 7::int8 AS number")).single()
    }
    let error = #expect(throws: PostgresError.self) { try row.int4(0) }
    #expect(error?.kind == .unexpectedResult)
    #expect(error?.message == "column 0 (word) is text, read as int4")
    #expect(throws: PostgresError.self) { try row.int4(1) }
    #expect(throws: PostgresError.self) { try row.text(2) }
  }
}
