// What a WebSocket client may say.

internal import ChannelProtocol
internal import SocketIO

enum ClientFrame: Hashable, Sendable {
  case authenticate(key: String)
  case subscribe(SubscribeRequest)
  case send(SendRequest)
  case ping
}

struct SubscribeRequest: Hashable, Sendable {
  /// The last number the client has seen; nil: from now on.
  var after: Int64?
  /// The epoch that number is of, as the client wrote it.
  var epoch: String?
  /// Only events of these conversations; nil: all events.
  var conversations: Set<Identifier>?
}

struct SendRequest: Hashable, Sendable {
  /// The client's own name for this request, returned with the answer.
  var ref: String?
  var idempotencyKey: String?
  /// The JSON object of `POST /api/messages`, as it was written.
  var message: [UInt8]
}

/// A frame that is none of those.
struct ClientFrameProblem: Error, Hashable, Sendable {
  var ref: String?
  var problem: ProblemDocument
}

extension ClientFrame {
  /// How many conversations one subscription may name.
  static let maximumConversations = 1_000
  /// How long a `ref` may be, in bytes of UTF-8.
  static let maximumReference = 255

  /// Reads the payload of a text frame.
  init(_ payload: [UInt8]) throws(ClientFrameProblem) {
    guard let members = JSONMembers(payload) else {
      throw ClientFrameProblem(ref: nil, problem: .badRequest("The frame is not a JSON object."))
    }
    let reader = FrameReader(members: members, ref: members["ref"].flatMap(JSONMembers.text(of:)))
    guard let type = members["type"].flatMap(JSONMembers.text(of:)) else {
      throw reader.problem("type", "is required, a string")
    }
    switch type {
    case "auth":
      try reader.allowOnly(["token"])
      self = .authenticate(key: try reader.required(try reader.text("token"), "token"))
    case "subscribe":
      try reader.allowOnly(["after", "epoch", "conversations"])
      self = .subscribe(
        SubscribeRequest(
          after: try reader.position("after"), epoch: try reader.text("epoch"),
          conversations: try reader.identifiers("conversations")))
    case "send":
      try reader.allowOnly(["idempotencyKey", "message"])
      self = .send(
        SendRequest(
          ref: try reader.reference(), idempotencyKey: try reader.idempotencyKey(),
          message: try reader.required(try reader.object("message"), "message")))
    case "ping":
      try reader.allowOnly([])
      self = .ping
    default:
      throw reader.problem("type", "is none of auth, subscribe, send, ping")
    }
  }
}

/// Takes a frame's members for what they should be.
private struct FrameReader {
  let members: JSONMembers
  let ref: String?

  func problem(_ field: String, _ message: String) -> ClientFrameProblem {
    ClientFrameProblem(ref: ref, problem: .invalid(field, message))
  }

  func required<Value>(_ value: Value?, _ field: String) throws(ClientFrameProblem) -> Value {
    guard let value else { throw problem(field, "is required") }
    return value
  }

  func allowOnly(_ names: Set<String>) throws(ClientFrameProblem) {
    for member in members.members where !names.contains(member.name) && member.name != "type" && member.name != "ref" {
      throw problem(member.name, "is not a field of this frame")
    }
  }

  func text(_ name: String) throws(ClientFrameProblem) -> String? {
    guard let value = members[name] else { return nil }
    guard let text = JSONMembers.text(of: value) else { throw problem(name, "is not a string") }
    return text
  }

  func reference() throws(ClientFrameProblem) -> String? {
    guard let text = try text("ref") else { return nil }
    guard text.utf8.count <= ClientFrame.maximumReference else {
      throw ClientFrameProblem(ref: nil, problem: .invalid("ref", "is longer than 255 bytes"))
    }
    return text
  }

  func position(_ name: String) throws(ClientFrameProblem) -> Int64? {
    guard let value = members[name] else { return nil }
    guard let number = JSONMembers.integer(of: value), number >= 0 else {
      throw problem(name, "is not a whole number of 0 or more")
    }
    return number
  }

  func object(_ name: String) throws(ClientFrameProblem) -> [UInt8]? {
    guard let value = members[name] else { return nil }
    guard value.first == UInt8(ascii: "{") else { throw problem(name, "is not an object") }
    return Array(value)
  }

  func idempotencyKey() throws(ClientFrameProblem) -> String? {
    guard let key = try text("idempotencyKey") else { return nil }
    guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
      throw problem("idempotencyKey", "is not 1 to 255 printable ASCII characters")
    }
    return key
  }

  func identifiers(_ name: String) throws(ClientFrameProblem) -> Set<Identifier>? {
    guard let value = members[name] else { return nil }
    guard let texts = JSONMembers.texts(of: value) else { throw problem(name, "is not an array of strings") }
    guard texts.count <= ClientFrame.maximumConversations else {
      throw problem(name, "has more than \(ClientFrame.maximumConversations) elements")
    }
    var identifiers: Set<Identifier> = []
    for text in texts {
      guard let identifier = Identifier(text[...]) else { throw problem(name, "holds what is not a conversation's id") }
      identifiers.insert(identifier)
    }
    return identifiers
  }
}
