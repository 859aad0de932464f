// Files out of forms, in whatever pieces the body comes.

import Foundation
import GatewayTesting
import Testing

@testable import Gateway

@Suite("Multipart uploads")
struct MultipartUploadTests {
  private typealias Part = MultipartUpload.Part

  private static let head = """
    preamble that nobody reads\r\n--b0undary\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n--b0undary\r\n\
    content-disposition: form-data; name="file"; filename="a \\"b\\"; c.png"\r\nContent-Type: image/png\r\n\r\n
    """
  private static let tail = "\r\n--b0undary--\r\nepilogue --b0undary\r\n"

  private func read(_ pieces: [[UInt8]], limit: Int = 1 << 20) throws(MultipartUpload.Fault) -> Part {
    var upload = MultipartUpload(boundary: "b0undary", field: "file", limit: limit)
    for piece in pieces { try upload.take(piece) }
    return try upload.finish()
  }

  private func read(_ text: String, limit: Int = 1 << 20) throws(MultipartUpload.Fault) -> Part {
    try read([Array(text.utf8)], limit: limit)
  }

  @Test("the file comes out byte for byte, however the body is cut, also where it looks like a boundary")
  func pieces() throws {
    let file =
      Array("\r\n--b0undar\r\n--b0undarX\r\n\r\n--\u{0}\r".utf8) + (0...255).map { UInt8($0) } + Array("\r\n-".utf8)
    let body = Array(Self.head.utf8) + file + Array(Self.tail.utf8)
    let expected = Part(filename: "a \"b\"; c.png", contentType: "image/png", bytes: file)
    #expect(try read([body]) == expected)
    #expect(try read(body.map { [$0] }) == expected)
    for seed in SeededRandom.seeds(200) {
      var random = SeededRandom(seed: seed)
      var pieces: [[UInt8]] = []
      var rest = body[...]
      while !rest.isEmpty {
        let count = Int.random(in: 0...min(40, rest.count), using: &random)
        pieces.append(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      #expect(try read(pieces) == expected, "FRACTAL_TEST_SEED=\(seed)")
    }
  }

  @Test("a file of the limit's size is taken, a byte more is not, and nothing of it is held")
  func limit() throws {
    let file = String(repeating: "x", count: 100)
    #expect(try read(Self.head + file + Self.tail, limit: 100).bytes.count == 100)
    #expect(throws: MultipartUpload.Fault.tooLarge) { try read(Self.head + file + Self.tail, limit: 99) }
    let noise = String(repeating: "y", count: 1 << 20)
    #expect(throws: MultipartUpload.Fault.tooLarge) {
      try read("--b0undary\r\nContent-Disposition: form-data; name=note\r\n\r\n\(noise)" + Self.tail)
    }
  }

  @Test("what is no form with one file is refused")
  func faults() {
    let file = Self.head + "x"
    for (body, fault) in [
      ("--b0undary\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx" + Self.tail, .missing),
      ("--b0undary--\r\n", .missing),
      (file + "\r\n" + file.dropFirst(26) + Self.tail, .repeated),
      (file, .malformed("it ends before its last boundary")), ("", .malformed("it ends before its last boundary")),
      ("--b0undaryX\r\n\r\nx" + Self.tail, .malformed("a boundary is not at the end of its line")),
      (
        "--b0undary\r\nX: \(String(repeating: "h", count: 20_000))",
        .malformed("a part's headers are too long")
      ),
    ] as [(String, MultipartUpload.Fault)] {
      #expect(throws: fault) { try read(String(body)) }
    }
  }

  @Test("a part without headers is nobody's, an empty file is empty, and names need no quotes")
  func leniency() throws {
    let body =
      "--b0undary \t\r\n\r\nnobody's\r\n--b0undary\r\nContent-Disposition: form-data; filename=a.txt; name=file\r\n\r\n"
    #expect(try read(body + Self.tail) == Part(filename: "a.txt", contentType: nil, bytes: []))
  }

  @Test(
    "the boundary stands in the type",
    arguments: [
      ("multipart/form-data; boundary=abc", "abc"), ("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", "a b"),
      ("multipart/form-data", nil), ("multipart/mixed; boundary=abc", nil), ("image/png; boundary=abc", nil),
      ("multipart/form-data; boundary=\"\(String(repeating: "x", count: 71))\"", nil),
    ] as [(String, String?)])
  func boundary(type: String, expected: String?) {
    #expect(MultipartUpload.boundary(type) == expected)
  }
}
