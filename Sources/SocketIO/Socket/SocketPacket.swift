// Socket.IO packets (protocol 5, "Packet encoding"): `<type>[<attachments>-][<namespace>,][<id>][<JSON>]`.

internal import NIOCore

/// A packet from a client, its attachments still to come.
struct SocketPacket: Hashable, Sendable {
  enum Kind: UInt8 {
    case connect = 0x30
    case disconnect, event, acknowledgement, connectError, binaryEvent, binaryAcknowledgement
  }

  /// What is no packet, or none that a client may send.
  struct Malformed: Error, Hashable {}

  var kind: Kind
  var attachments = 0
  var namespace = "/"
  var id: Int?
  /// An object for `connect`, the elements of the array for events and acknowledgements; as they were written.
  var payload: Payload = .none

  enum Payload: Hashable, Sendable {
    case none
    case object([UInt8])
    case array([[UInt8]])
  }

  /// - Parameter maximumAttachments: more are refused: they would have to be kept until the last has come.
  init(_ text: ByteBuffer, maximumAttachments: Int) throws(Malformed) {
    var rest = text.readableBytesView
    guard let kind = rest.popFirst().flatMap(Kind.init(rawValue:)) else { throw Malformed() }
    self.kind = kind
    if kind == .binaryEvent || kind == .binaryAcknowledgement {
      guard let count = Self.number(&rest), count <= maximumAttachments, rest.popFirst() == UInt8(ascii: "-") else {
        throw Malformed()
      }
      attachments = count
    }
    if rest.first == UInt8(ascii: "/") {
      let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.endIndex
      guard end - rest.startIndex <= 256, let name = String(validating: rest[..<end], as: UTF8.self) else {
        throw Malformed()
      }
      namespace = name
      rest = rest[end...].dropFirst()
    }
    if let first = rest.first, (0x30...0x39).contains(first) {
      guard let id = Self.number(&rest) else { throw Malformed() }
      self.id = id
    }
    payload = try Self.payload(kind, Array(rest))
    if attachments > 0, case .array(let elements) = payload {
      guard elements.allSatisfy({ Placeholders.areWithin(attachments, $0) }) else { throw Malformed() }
    }
  }

  /// A whole number, at most 2^53, which is where other implementations lose count.
  private static func number(_ rest: inout ByteBufferView) -> Int? {
    var value = 0
    var digits = 0
    while let byte = rest.first, (0x30...0x39).contains(byte) {
      value = value * 10 + Int(byte - 0x30)
      digits += 1
      guard digits <= 16, value <= 1 << 53 else { return nil }
      rest = rest.dropFirst()
    }
    return digits > 0 ? value : nil
  }

  private static func payload(_ kind: Kind, _ json: [UInt8]) throws(Malformed) -> Payload {
    switch kind {
    case .connect:
      if json.isEmpty { return .none }
      guard JSONMembers(json) != nil else { throw Malformed() }
      return .object(json)
    case .disconnect:
      guard json.isEmpty else { throw Malformed() }
      return .none
    case .event, .binaryEvent:
      guard let elements = JSONElements.of(json), let name = elements.first, isName(name) else { throw Malformed() }
      return .array(elements)
    case .acknowledgement, .binaryAcknowledgement:
      guard let elements = JSONElements.of(json) else { throw Malformed() }
      return .array(elements)
    // The server's to send.
    case .connectError: throw Malformed()
    }
  }

  private static let reserved: Set<String> = [
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
  ]

  /// An event's name is a text that is not reserved, or a number.
  private static func isName(_ value: [UInt8]) -> Bool {
    if let text = JSONMembers.text(of: value[...]) { return !reserved.contains(text) }
    guard let first = value.first else { return false }
    return first == UInt8(ascii: "-") || (0x30...0x39).contains(first)
  }
}
