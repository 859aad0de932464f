// The Socket.IO side of a connection as transcripts.

import NIOCore
import Testing

@testable import SocketIO

@Suite struct SocketSessionTests {
  struct Unexpected: Error { var actions: [SocketSession.Action] }

  static func session() -> SocketSession {
    SocketSession(namespaces: ["/", "/custom"], limits: SocketLimits())
  }

  static func joined() -> SocketSession {
    var session = session()
    _ = session.received(text("0"))
    _ = session.accept("/", id: "x")
    return session
  }

  static func text(_ text: String) -> EngineMessage { .text(ByteBuffer(string: text)) }

  static func words(_ frames: SocketFrames) -> String { String(buffer: PollingPayload.encode(frames.frames)) }

  static func isViolation(_ actions: [SocketSession.Action]) -> Bool {
    if case .violation? = actions.first { actions.count == 1 } else { false }
  }

  @Test("a client is let in when it is granted, and not before")
  func connects() throws {
    var session = Self.session()
    #expect(session.isOutside)
    #expect(
      session.received(Self.text(#"0/custom,{"a":1}"#)) == [
        .connect(namespace: "/custom", auth: Array(#"{"a":1}"#.utf8))
      ])
    // One on its way in could be on its way for ever.
    #expect(session.isOutside)
    let accepted = session.accept("/custom", id: "abc")
    #expect(!session.isOutside)
    guard case .write(let frames)? = accepted.first else { throw Unexpected(actions: accepted) }
    #expect(Self.words(frames) == #"40/custom,{"sid":"abc"}"#)
    // Answered once.
    #expect(session.refuse("/custom", message: "no", data: nil) == [])
  }

  @Test("a refusal carries its words and data, and the client may come again")
  func refuses() throws {
    var session = Self.session()
    _ = session.received(Self.text("0"))
    let refused = session.refuse("/", message: #"say "no""#, data: Array(#"{"status":401}"#.utf8))
    guard case .write(let frames)? = refused.first else { throw Unexpected(actions: refused) }
    #expect(Self.words(frames) == #"44{"message":"say \"no\"","data":{"status":401}}"#)
    #expect(session.isOutside)
    #expect(session.received(Self.text("0")) == [.connect(namespace: "/", auth: nil)])
  }

  @Test("the third refusal ends the connection, behind its words")
  func refusedTooOften() {
    var session = Self.session()
    for number in 1...3 {
      _ = session.received(Self.text("0"))
      let actions = session.refuse("/", message: "no", data: nil)
      guard case .write? = actions.first else { return #expect(Bool(false), "no answer") }
      #expect(Array(actions.dropFirst()) == (number == 3 ? [.refusedTooOften] : []))
    }
    #expect(session.received(Self.text("0")) == [])
  }

  @Test(
    "what comes before a namespace was joined, or a second CONNECT, ends the connection",
    arguments: ["0", "2[\"a\"]", "1"])
  func violations(packet: String) {
    var session = Self.session()
    _ = session.received(Self.text("0"))
    #expect(Self.isViolation(session.received(Self.text(packet))))
    #expect(session.received(Self.text("0/custom")) == [])
  }

  @Test("what an expelled client sent before it knew is dropped, and it may come again")
  func expels() throws {
    var session = Self.joined()
    let expelled = session.expel("/")
    guard case .write(let frames)? = expelled.first else { throw Unexpected(actions: expelled) }
    #expect(Self.words(frames) == "41")
    #expect(session.received(Self.text(#"2["late"]"#)) == [])
    #expect(session.isOutside)
    #expect(session.received(Self.text("0")) == [.connect(namespace: "/", auth: nil)])
  }

  @Test("an event waits for its attachments")
  func attachments() {
    var session = Self.joined()
    let placeholder = #"{"_placeholder":true,"num":0}"#
    #expect(session.received(Self.text(#"51-7["a",\#(placeholder)]"#)) == [])
    let event = SocketEvent(
      nameJSON: Array(#""a""#.utf8),
      arguments: SocketArguments(json: [Array(placeholder.utf8)], attachments: [ByteBuffer(bytes: [1])]), id: 7)
    #expect(session.received(.binary(ByteBuffer(bytes: [1]))) == [.event(namespace: "/", event)])
  }

  @Test("attachments are bounded together, and a text may not come between them")
  func attachmentBounds() {
    var limits = SocketLimits()
    limits.maximumAttachmentBytes = 4
    var session = SocketSession(namespaces: ["/"], limits: limits)
    _ = session.received(Self.text("0"))
    _ = session.accept("/", id: "x")
    _ = session.received(Self.text(#"52-["a"]"#))
    #expect(session.received(.binary(ByteBuffer(bytes: [1, 2, 3]))) == [])
    #expect(Self.isViolation(session.received(.binary(ByteBuffer(bytes: [4, 5])))))

    var other = Self.joined()
    _ = other.received(Self.text(#"51-["a"]"#))
    #expect(Self.isViolation(other.received(Self.text(#"2["b"]"#))))
    var third = Self.joined()
    #expect(Self.isViolation(third.received(.binary(ByteBuffer(bytes: [1])))))
  }

  @Test(
    "what is no packet ends the connection",
    arguments: [
      "", "abc", "7", "2", "2{}", "2[]", "2[null]", #"2["connect"]"#, #"2["a"]x"#, #"299999999999999999999["a"]"#,
      "3{}", "1{}", "4{}", "5[\"a\"]", "5-[\"a\"]", "511-[\"a\"]", #"51-["a",{"_placeholder":true,"num":1}]"#,
      #"51-["a",[{"b":{"_placeholder":true,"num":-1}}]]"#, "0[]", "0{", #"0"a""#,
    ])
  func malformed(packet: String) {
    var session = Self.joined()
    #expect(Self.isViolation(session.received(Self.text(packet))))
  }
}
