// Answers in fewer bytes, and the tags of representations.

import Foundation
import HTTPTypes
import Testing

@testable import Gateway

@Suite("Representations")
struct ContentCodingTests {
  @Test(
    "the best coding that a client takes is chosen",
    arguments: [
      (nil, nil), ("", nil), ("identity", nil), ("br", nil), ("gzip", ContentCoding.gzip), ("deflate", .deflate),
      ("gzip, deflate", .gzip), ("deflate;q=1, gzip;q=0.5", .deflate), ("gzip;q=0", nil), ("*", .gzip),
      ("*;q=0", nil), ("GZIP", .gzip), ("gzip;q=0.2, identity;q=0.8", nil), ("gzip; q=0.9", .gzip),
      ("gzip;q=x", nil),
    ] as [(String?, ContentCoding?)])
  func preferred(accepted: String?, coding: ContentCoding?) {
    #expect(ContentCoding.preferred(accepted) == coding)
  }

  @Test("a body that would not become smaller stays as it is")
  func notWorthIt() {
    #expect(ContentCoding.gzip.encode([]) == nil)
    #expect(ContentCoding.gzip.encode((0..<200).map { _ in .random(in: .min ... .max) }) == nil)
    let text = Array(String(repeating: "the same again; ", count: 200).utf8)
    #expect((ContentCoding.gzip.encode(text)?.count ?? .max) < text.count / 10)
    #expect(
      ContentCoding.gzip.encode(text)?.prefix(2) == [0x1F, 0x8B] && ContentCoding.deflate.encode(text)?[0] == 0x78)
  }

  @Test("a tag is of the bytes, and knows itself in any coding")
  func tags() {
    let tag = EntityTag(of: [1, 2, 3])
    #expect(tag == EntityTag(of: [1, 2, 3]) && tag != EntityTag(of: [1, 2, 4]))
    let compressed = tag.text(as: .gzip)
    #expect(compressed != tag.text)
    for header in [tag.text, compressed, "W/\(tag.text)", "\"x\", \(tag.text)", "*"] {
      #expect(tag.named(inIfNoneMatch: header) != nil, "\(header)")
    }
    #expect(tag.named(inIfNoneMatch: "\"x\"") == nil && tag.named(inIfNoneMatch: nil) == nil)
    #expect(tag.named(inIfNoneMatch: compressed) == compressed, "a 304 has the tag that the client has")
    #expect(tag.isNamed(inIfMatch: compressed) && !tag.isNamed(inIfMatch: "W/\(tag.text)"))
  }

  @Test("an answer that is kept comes back whole")
  func kept() throws {
    let answer = WholeAnswer(
      status: 201, headers: [.contentType: "application/json", .location: "/a:b"], body: Array("{\n\n}".utf8))
    let back = try #require(WholeAnswer(status: 201, kept: answer.kept))
    #expect(back.headers == answer.headers && back.body == answer.body)
    #expect(WholeAnswer(status: 201, kept: Array("nothing".utf8)) == nil)
  }
}
