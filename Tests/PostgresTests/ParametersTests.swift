// What can be sent, and what is refused before anything is.

import Testing

@testable import Postgres

@Suite("Parameters")
struct ParametersTests {
  @Test("NUL in text is refused with the parameter's index")
  func nulInText() {
    var parameters = Parameters()
    parameters.int4(1)
    parameters.text("a\0b")
    let error = #expect(throws: PostgresError.self) { try parameters.validate() }
    #expect(error?.kind == .invalidValue)
    #expect(error?.message.contains("parameter 1:") == true)
    #expect(error?.message.contains("NUL") == true)
  }

  @Test("NUL in an array's element is refused with the element's index")
  func nulInElement() {
    var parameters = Parameters()
    parameters.textArray(["fine", "also", "a\0b", "later"])
    let error = #expect(throws: PostgresError.self) { try parameters.validate() }
    #expect(error?.message.contains("parameter 0, element 2") == true)
  }

  @Test(
    "bytes that are not UTF-8 are refused as text and as JSON",
    arguments: [
      [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x61, 0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func invalidUTF8(bytes: [UInt8]) {
    for fill in [
      { $0.text(utf8: bytes) }, { $0.jsonb(bytes) }, { $0.textArray(utf8: [[0x61], bytes]) },
      { $0.jsonbArray([bytes]) },
    ] as [(inout Parameters) -> Void] {
      var parameters = Parameters()
      fill(&parameters)
      let error = #expect(throws: PostgresError.self) { try parameters.validate() }
      #expect(error?.kind == .invalidValue)
    }
  }

  @Test(
    "more bytes than the limit are refused, however they are spread",
    arguments: [
      { $0.text(String(repeating: "x", count: 101)) },
      { $0.bytes([UInt8](repeating: 1, count: 101)) },
      { $0.byteaArray([[UInt8](repeating: 1, count: 50), [UInt8](repeating: 1, count: 50)]) },
      { parameters in for _ in 0..<13 { parameters.int8(1) } },
      { $0.int8Array([Int64](repeating: 7, count: 9)) },
    ] as [@Sendable (inout Parameters) -> Void])
  func tooLong(fill: @Sendable (inout Parameters) -> Void) {
    var parameters = Parameters(limit: 100)
    fill(&parameters)
    let error = #expect(throws: PostgresError.self) { try parameters.validate() }
    #expect(error?.message.contains("exceed 100 bytes") == true)
    #expect(parameters.buffer.count <= 100)
  }

  @Test("the real limit leaves room for the message's frame under 1 GiB")
  func realLimit() {
    let frame = 2 * 256 + 4 * Parameters.maximumCount + 2 * Parameters.maximumCount
    #expect(Parameters.maximumBytes + frame < (1 << 30) - 1)
  }

  @Test("more parameters than the protocol counts are refused")
  func tooMany() {
    var parameters = Parameters()
    for _ in 0...Parameters.maximumCount { parameters.bool(nil) }
    #expect(throws: PostgresError.self) { try parameters.validate() }
    #expect(parameters.count == Parameters.maximumCount)
  }

  @Test("a timestamp that PostgreSQL's epoch takes out of range is refused, the infinities are not")
  func timestampRange() throws {
    var parameters = Parameters()
    parameters.timestamp(.max)
    parameters.timestamp(.min)
    try parameters.validate()
    parameters.timestamp(.min + 1)
    let error = #expect(throws: PostgresError.self) { try parameters.validate() }
    #expect(error?.message.contains("parameter 2") == true)
  }

  @Test("the first failure is the one that is told, and clearing forgets it")
  func firstFailure() throws {
    var parameters = Parameters()
    parameters.text("a\0")
    parameters.text("b\0")
    #expect(throws: PostgresError.self) { try parameters.validate() }
    #expect((try? parameters.validate()) == nil)
    parameters.removeAll()
    parameters.text("c")
    try parameters.validate()
    #expect(parameters.buffer == Array("c".utf8))
  }
}
