// What a message says, as JSON and back.

import ChannelProtocol
import Foundation
import Testing

@Suite("Content")
struct ContentTests {
  private static let reply = Identifier(at: Timestamp(seconds: 1), randomness: 7)

  private static let samples: [Content] = [
    Content(.text("")), Content(.text("line\n\"quoted\" 👋")), Content(.media(caption: nil)),
    Content(.media(caption: "a cat")),
    Content(.location(Location(latitude: 37.7749, longitude: -122.4194, label: "Here", address: nil))),
    Content(.location(Location(latitude: 0, longitude: 180))), Content(.contacts),
    Content(.buttonReply(text: "Yes", payload: nil)), Content(.buttonReply(text: "Yes", payload: "y")),
    Content(.listReply(id: "1", title: nil, description: nil)),
    Content(.listReply(id: "1", title: "One", description: "the first")),
    Content(.reaction(emoji: "❤️", messageID: nil, providerMessageSID: "SM1")),
    Content(.reaction(emoji: "", messageID: reply, providerMessageSID: nil)), Content(.sticker),
    Content(.template(sid: "HX1", variables: ["1": "Ada", "2": ""])), Content(.template(sid: "HX1", variables: [:])),
    Content(.interactive(type: "flow", data: ["a": [1, 2.5, nil, true]])),
    Content(.interactive(type: "call", data: .null)), Content(.unknown(providerType: nil, raw: [:])),
    Content(.unknown(providerType: "hologram", raw: ["MessageType": "hologram", "n": 7])),
    Content(.text("x"), referral: ["Body": "ad"], forwarded: true, frequentlyForwarded: false),
  ]

  @Test("every kind comes back as it was written", arguments: samples)
  func roundTrip(content: Content) throws {
    var writer = JSONWriter()
    content.write(to: &writer)
    let json = try JSONDecoder().decode(JSONValue.self, from: Data(writer.bytes))
    #expect(Content(json) == content)
    #expect(json["kind"]?.stringValue != nil)
  }

  @Test("what is not set is null in the kind's own fields, and absent beside them")
  func shape() {
    var writer = JSONWriter()
    Content(.location(Location(latitude: 1.5, longitude: -2))).write(to: &writer)
    #expect(writer.string == #"{"kind":"location","latitude":1.5,"longitude":-2,"label":null,"address":null}"#)
  }

  @Test(
    "what is no content object is refused",
    arguments: [
      .null, "text", [:], ["kind": "hologram"], ["kind": 1], ["kind": "location", "latitude": 1],
      ["kind": "listReply"], ["kind": "template"], ["kind": "interactive"],
    ] as [JSONValue])
  func refused(json: JSONValue) {
    #expect(Content(json) == nil)
  }

  @Test("addresses lose a channel's prefix and nothing else")
  func addresses() {
    func split(_ text: String) -> [String?] {
      let (type, value) = Address.split(text)
      return [type?.rawValue, value]
    }
    #expect(split("whatsapp:+14155550100") == ["whatsapp", "+14155550100"])
    #expect(split("messenger:a:b") == ["messenger", "a:b"])
    #expect(split("+14155550100") == [nil, "+14155550100"])
    #expect(split(":+1") == [nil, ":+1"])
    #expect(split("US.13491208655302741918") == [nil, "US.13491208655302741918"])
    #expect(split("What:5") == [nil, "What:5"])
    #expect(Address(type: .mms, value: "x") == Address(type: .sms, value: "x"))
  }

  @Test("a secret shows itself nowhere")
  func secret() throws {
    let secret = Secret("hunter2")
    #expect(!"\(secret) \(String(reflecting: secret)) \([secret]) \(Optional(secret) as Any)".contains("hunter2"))
    var dumped = ""
    dump(["a": secret], to: &dumped)
    #expect(!dumped.contains("hunter2"))
    #expect(try JSONDecoder().decode([Secret].self, from: Data(#"["hunter2"]"#.utf8)).first?.plaintext == "hunter2")
  }
}
