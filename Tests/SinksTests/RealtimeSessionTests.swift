// The conversation on a WebSocket, as a table of what is said and what follows.

import ChannelProtocol
import SocketIO
import Testing

@testable import Sinks

@Suite struct RealtimeSessionTests {
  static let both = RealtimePrincipal(keyID: Identifier(high: 1, low: 1), canRead: true, canSend: true)
  static let readOnly = RealtimePrincipal(keyID: Identifier(high: 1, low: 2), canRead: true, canSend: false)
  static let neither = RealtimePrincipal(keyID: Identifier(high: 1, low: 3), canRead: false, canSend: false)
  static let message = SendRequest(ref: "r", idempotencyKey: nil, message: [])

  static func session(_ principal: RealtimePrincipal?) -> Subject { Subject(principal) }

  /// A session that an expectation may change.
  final class Subject {
    private var session: WebSocketSession
    init(_ principal: RealtimePrincipal?) { session = WebSocketSession(principal: principal, maximumSends: 2) }
    var isAuthenticated: Bool { session.isAuthenticated }
    func receive(_ frame: Result<ClientFrame, ClientFrameProblem>) -> [WebSocketSession.Action] {
      session.receive(frame)
    }
    func verified(_ principal: RealtimePrincipal?) -> [WebSocketSession.Action] { session.verified(principal) }
    func verificationFailed() -> [WebSocketSession.Action] { session.verificationFailed() }
    func authenticationTimedOut() -> [WebSocketSession.Action] { session.authenticationTimedOut() }
    func sent(ref: String?, _ result: Result<[UInt8], RealtimeProblem>) -> [WebSocketSession.Action] {
      session.sent(ref: ref, result)
    }
    func end() { session.end() }
  }

  static func code(_ actions: [WebSocketSession.Action]) -> UInt16? {
    if case .close(let close) = actions.last { close.code.rawValue } else { nil }
  }

  static func problem(_ actions: [WebSocketSession.Action], contains text: String) -> Bool {
    guard actions.count == 1, case .write(let json) = actions[0] else { return false }
    let frame = String(decoding: json, as: UTF8.self)
    return frame.hasPrefix(#"{"type":"error""#) && frame.contains(text)
  }

  @Test(
    "without a key, nothing but auth is listened to",
    arguments: [ClientFrame.ping, .subscribe(SubscribeRequest()), .send(message)])
  func silence(frame: ClientFrame) {
    let session = Self.session(nil)
    #expect(Self.code(session.receive(.success(frame))) == 4401)
    #expect(session.receive(.success(.authenticate(key: "k"))).isEmpty)
  }

  @Test("what is not a frame closes a connection without a key, and is answered on one that has one")
  func malformed() {
    let failure = ClientFrameProblem(ref: "x", problem: .badRequest("no"))
    var session = Self.session(nil)
    #expect(Self.code(session.receive(.failure(failure))) == 4401)
    session = Self.session(Self.both)
    #expect(Self.problem(session.receive(.failure(failure)), contains: #""ref":"x""#))
  }

  @Test("what is said while the key is looked up is heard afterwards, in order")
  func waiting() {
    let session = Self.session(nil)
    #expect(session.receive(.success(.authenticate(key: "k"))) == [.verify(key: "k")])
    #expect(!session.isAuthenticated)
    #expect(session.receive(.success(.subscribe(SubscribeRequest(after: 3)))).isEmpty)
    #expect(session.receive(.success(.ping)).isEmpty)
    let actions = session.verified(Self.readOnly)
    #expect(session.isAuthenticated)
    #expect(actions == [.subscribe(SubscribeRequest(after: 3)), .write(ServerFrame.pong)])
  }

  @Test("a client that talks on and on before its key is checked is closed")
  func tooMuch() {
    let session = Self.session(nil)
    _ = session.receive(.success(.authenticate(key: "k")))
    for _ in 0..<WebSocketSession.maximumWaiting { #expect(session.receive(.success(.ping)).isEmpty) }
    #expect(Self.code(session.receive(.success(.ping))) == 4401)
  }

  @Test("an unknown key, a missing scope, a gateway in trouble and a late key each have their close code")
  func verdicts() {
    func verifying() -> Subject {
      let session = Self.session(nil)
      _ = session.receive(.success(.authenticate(key: "k")))
      return session
    }
    var session = verifying()
    #expect(Self.code(session.verified(nil)) == 4401)
    #expect(session.verified(Self.both).isEmpty)
    session = verifying()
    #expect(Self.code(session.verified(Self.neither)) == 4403)
    session = verifying()
    #expect(Self.code(session.verificationFailed()) == 1013)
    session = verifying()
    #expect(Self.code(session.authenticationTimedOut()) == 1013)
    session = Self.session(nil)
    #expect(Self.code(session.authenticationTimedOut()) == 4401)
    session = Self.session(Self.both)
    #expect(session.authenticationTimedOut().isEmpty)
  }

  @Test("a second auth, a send without the scope and too many sends are answered, not punished")
  func refusals() {
    var session = Self.session(Self.readOnly)
    #expect(Self.problem(session.receive(.success(.authenticate(key: "k"))), contains: "already_authenticated"))
    #expect(Self.problem(session.receive(.success(.send(Self.message))), contains: "missing_scope"))
    session = Self.session(Self.both)
    for _ in 0..<2 {
      #expect(session.receive(.success(.send(Self.message))) == [.send(Self.message, Self.both)])
    }
    #expect(Self.problem(session.receive(.success(.send(Self.message))), contains: "too_many_in_flight"))
    #expect(
      session.sent(ref: "r", .success(Array("{}".utf8)))
        == [.write(ServerFrame.acknowledgement(ref: "r", message: Array("{}".utf8)))])
    #expect(session.receive(.success(.send(Self.message))) == [.send(Self.message, Self.both)])
    let problem = RealtimeProblem(json: Array(#"{"status":422}"#.utf8))
    #expect(Self.problem(session.sent(ref: "r", .failure(problem)), contains: #"{"status":422}"#))
  }

  @Test("nothing is done for a connection that has ended")
  func ended() {
    let session = Self.session(Self.both)
    session.end()
    #expect(session.receive(.success(.ping)).isEmpty)
    #expect(session.sent(ref: nil, .success([])).isEmpty)
    #expect(session.authenticationTimedOut().isEmpty)
  }
}
