// What a client may say, and what it is told about anything else.

import ChannelProtocol
import SocketIO
import Testing

@testable import Sinks

@Suite struct RealtimeClientFrameTests {
  static func parse(_ text: String) -> Result<ClientFrame, ClientFrameProblem> {
    do throws(ClientFrameProblem) { return .success(try ClientFrame(Array(text.utf8))) } catch {
      return .failure(error)
    }
  }

  static let one = Identifier(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
  static let oneText = "01900000-0000-7000-8000-000000000001"

  @Test(
    "a frame is read for what it says",
    arguments: [
      (#"{"type":"ping"}"#, ClientFrame.ping),
      (#" { "type" : "ping" , "ref":"1"} "#, .ping),
      (#"{"type":"auth","token":"k\u00e9\ud83d\ude00\n"}"#, .authenticate(key: "ké😀\n")),
      (#"{"type":"subscribe"}"#, .subscribe(SubscribeRequest())),
      (#"{"type":"subscribe","after":null,"epoch":null,"conversations":null}"#, .subscribe(SubscribeRequest())),
      (#"{"type":"subscribe","after":0}"#, .subscribe(SubscribeRequest(after: 0))),
      (#"{"type":"subscribe","after":1e3,"epoch":"x"}"#, .subscribe(SubscribeRequest(after: 1_000, epoch: "x"))),
      (
        #"{"type":"subscribe","conversations":["\#(oneText)" , "\#(oneText.uppercased())"]}"#,
        .subscribe(SubscribeRequest(conversations: [one]))
      ),
      (#"{"type":"subscribe","conversations":[]}"#, .subscribe(SubscribeRequest(conversations: []))),
      (
        #"{"type":"send","ref":"r","idempotencyKey":"k","message":{"to":"+1", "a":[1,{"b":"}"}]}}"#,
        .send(SendRequest(ref: "r", idempotencyKey: "k", message: Array(#"{"to":"+1", "a":[1,{"b":"}"}]}"#.utf8)))
      ),
      (#"{"type":"ping","type":"send","message":{}}"#, .send(SendRequest(message: Array("{}".utf8)))),
    ])
  func understood(text: String, frame: ClientFrame) {
    #expect(Self.parse(text) == .success(frame))
  }

  @Test(
    "a frame that is none is refused by the name of its fault",
    arguments: [
      ("", 400, nil), ("[]", 400, nil), ("{", 400, nil), (#"{"type":"ping"} x"#, 400, nil),
      (#"{"type":"ping",}"#, 400, nil), (#"{"type":'ping'}"#, 400, nil), (#"{"a":01,"type":"ping"}"#, 400, nil),
      (#"{"a":"\x","type":"ping"}"#, 400, nil), ("{\"a\":\"\n\",\"type\":\"ping\"}", 400, nil),
      (#"{"a":tru,"type":"ping"}"#, 400, nil), (#"{"a":-,"type":"ping"}"#, 400, nil),
      (#"{"a":1.,"type":"ping"}"#, 400, nil), (#"{"a":\#(String(repeating: "[", count: 100_000))"#, 400, nil),
      ("{}", 422, "type"), (#"{"type":7}"#, 422, "type"), (#"{"type":"shout"}"#, 422, "type"),
      (#"{"type":"auth"}"#, 422, "token"), (#"{"type":"auth","token":5}"#, 422, "token"),
      (#"{"type":"auth","token":"\ud800"}"#, 422, "token"), (#"{"type":"ping","extra":1}"#, 422, "extra"),
      (#"{"type":"subscribe","after":-1}"#, 422, "after"), (#"{"type":"subscribe","after":1.5}"#, 422, "after"),
      (#"{"type":"subscribe","after":"1"}"#, 422, "after"),
      (#"{"type":"subscribe","conversation":[]}"#, 422, "conversation"),
      (#"{"type":"subscribe","conversations":["x"]}"#, 422, "conversations"),
      (#"{"type":"subscribe","conversations":[1]}"#, 422, "conversations"),
      (#"{"type":"send"}"#, 422, "message"), (#"{"type":"send","message":[]}"#, 422, "message"),
      (#"{"type":"send","message":{},"idempotencyKey":""}"#, 422, "idempotencyKey"),
      (#"{"type":"send","message":{},"idempotencyKey":"é"}"#, 422, "idempotencyKey"),
      (#"{"type":"send","message":{},"ref":"\#(String(repeating: "r", count: 256))"}"#, 422, "ref"),
    ] as [(String, Int, String?)])
  func refused(text: String, status: Int, field: String?) {
    guard case .failure(let failure) = Self.parse(text) else { return #expect(Bool(false), "understood") }
    #expect(failure.problem.status == status)
    #expect(failure.problem.errors.first?.field == field)
  }

  @Test("a refusal carries the client's own reference")
  func reference() {
    guard case .failure(let failure) = Self.parse(#"{"type":"send","ref":"mine"}"#) else {
      return #expect(Bool(false), "understood")
    }
    #expect(failure.ref == "mine")
  }

  @Test("what the server says is JSON of the shape that is promised")
  func serverFrames() {
    let place = LogPosition(epoch: Self.one, seq: 12)
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    #expect(text(ServerFrame.ready(place)) == #"{"type":"ready","epoch":"\#(Self.oneText)","seq":12}"#)
    #expect(text(ServerFrame.reset(oldest: place)) == #"{"type":"reset","oldest":12,"epoch":"\#(Self.oneText)"}"#)
    #expect(
      text(ServerFrame.acknowledgement(ref: "a\"", message: Array("{}".utf8)))
        == #"{"type":"ack","ref":"a\"","message":{}}"#)
    #expect(
      text(ServerFrame.error(ref: nil, problem: Array("{}".utf8))) == #"{"type":"error","ref":null,"problem":{}}"#)
    #expect(text(ServerFrame.pong) == #"{"type":"pong"}"#)
  }
}
