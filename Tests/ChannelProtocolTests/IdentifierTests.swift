// The id of everything we name.

import ChannelProtocol
import Foundation
import Testing

@Suite("Identifier")
struct IdentifierTests {
  @Test("a new id is a UUID of version 7 and of the RFC's variant, whatever the randomness")
  func versionAndVariant() {
    for randomness in [0, .max, 0x5555_5555_5555_5555] as [UInt64] {
      for microseconds in [0, 1, 999, 1_767_225_600_123_456, 281_474_976_710_655_999] as [Int64] {
        let id = Identifier(at: Timestamp(microseconds: microseconds), randomness: randomness)
        // RFC 9562, sections 4.1 and 4.2.
        #expect(id.high >> 12 & 0xF == 7)
        #expect(id.low >> 62 == 0b10)
        let text = Array(id.description)
        #expect(text[14] == "7" && "89ab".contains(text[19]))
        #expect(id.timestamp.microseconds == microseconds / 1_000 * 1_000)
      }
    }
  }

  @Test("an id of the specification's example instant reads as in the specification")
  func knownVector() {
    // RFC 9562, appendix A.6: 2022-02-22T19:22:22Z is 0x017F22E279B0.
    let id = Identifier(at: Timestamp(seconds: 1_645_557_742), randomness: 0x98C4_DC0C_0C07_398F)
    #expect(id.description == "017f22e2-79b0-7000-98c4-dc0c0c07398f")
  }

  @Test("text and id go both ways, in either case")
  func roundTrip() {
    for _ in 0..<500 {
      let id = Identifier(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
      #expect(Identifier(id.description) == id)
      #expect(Identifier(id.description.uppercased()) == id)
      #expect(id.description.utf8.count == 36)
      var bytes: [UInt8] = [1]
      id.append(to: &bytes)
      #expect(String(decoding: bytes.dropFirst(), as: UTF8.self) == id.description)
    }
  }

  @Test("an id reads as Foundation writes a UUID of the same bytes")
  func reference() {
    for _ in 0..<500 {
      let uuid = UUID()
      let words = withUnsafeBytes(of: uuid.uuid) { bytes in
        (0..<2).map { UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)) }
      }
      #expect(Identifier(high: words[0], low: words[1]).description == uuid.uuidString.lowercased())
    }
  }

  @Test(
    "anything but the canonical form is no id",
    arguments: [
      "", "0", "017f22e2-79b0-7000-98c4-dc0c0c07398", "017f22e2-79b0-7000-98c4-dc0c0c07398f0",
      "017f22e279b0700098c4dc0c0c07398f", "017f22e2-79b0-7000-98c4-dc0c0c07398g",
      "{017f22e2-79b0-7000-98c4-dc0c0c07398f}", "017f22e2_79b0-7000-98c4-dc0c0c07398f",
      " 017f22e2-79b0-7000-98c4-dc0c0c07398f", "017f22e2-79b0-7000-98c4-dc0c0c07398f\n",
      "017f22e2-79b07-000-98c4-dc0c0c07398f", "０17f22e2-79b0-7000-98c4-dc0c0c07398",
      "------------------------------------",
    ])
  func malformed(text: String) {
    #expect(Identifier(text) == nil)
  }

  @Test("order follows the instant to the microsecond's quarter, then the bytes, as the texts sort")
  func order() {
    let base = Timestamp(microseconds: 1_767_225_600_000_000)
    let ids = (0..<2_000).map {
      Identifier(at: base + .microseconds($0), randomness: .random(in: .min ... .max))
    }
    #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
    let mixed = (0..<300).map { _ in Identifier(high: .random(in: 0...3), low: .random(in: .min ... .max)) }
    #expect(mixed.sorted().map(\.description) == mixed.map(\.description).sorted())
  }

  @Test("a thousand ids of one instant are a thousand ids")
  func uniqueness() {
    struct Stopped: WallClock {
      func now() -> Timestamp { Timestamp(seconds: 1_767_225_600) }
    }
    #expect(Set((0..<1_000).map { _ in Stopped().makeIdentifier() }).count == 1_000)
  }
}
