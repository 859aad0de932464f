// Socket.IO packets to a client.

public import NIOCore

/// A packet for the clients of one namespace, encoded once: any number of sockets share its bytes.
public struct SocketFrames: Hashable, Sendable {
  let frames: [EngineFrame]

  /// How much it counts against a connection's bounds, in bytes.
  public var size: Int { frames.reduce(0) { $0 + $1.size } }

  /// An event.
  /// - Parameters:
  ///   - arguments: JSON texts.
  ///   - attachments: what the placeholders in them (`{"_placeholder":true,"num":0}`) stand for.
  public init(
    event name: String, _ arguments: [[UInt8]] = [], attachments: [ByteBuffer] = [], namespace: String
  ) {
    self.init(event: name, arguments, attachments: attachments, namespace: namespace, id: nil)
  }

  init(event name: String, _ arguments: [[UInt8]], attachments: [ByteBuffer], namespace: String, id: Int?) {
    self.init(
      attachments.isEmpty ? .event : .binaryEvent, namespace: namespace, id: id,
      elements: [JSONText.quoted(name)] + arguments, attachments: attachments)
  }

  /// An event whose one argument is copied from a buffer.
  public init(event name: String, json: ByteBuffer, namespace: String) {
    var text = Self.head(.event, namespace: namespace, id: nil, attachments: 0)
    text.reserveCapacity(text.count + json.readableBytes + name.utf8.count + 8)
    text.append(UInt8(ascii: "["))
    text += JSONText.quoted(name)
    text.append(UInt8(ascii: ","))
    text += json.readableBytesView
    text.append(UInt8(ascii: "]"))
    frames = [EngineFrame(text: text)]
  }

  init(acknowledging id: Int, _ arguments: [[UInt8]], attachments: [ByteBuffer], namespace: String) {
    self.init(
      attachments.isEmpty ? .acknowledgement : .binaryAcknowledgement, namespace: namespace, id: id,
      elements: arguments, attachments: attachments)
  }

  init(_ kind: SocketPacket.Kind, namespace: String, object: [UInt8] = []) {
    frames = [EngineFrame(text: Self.head(kind, namespace: namespace, id: nil, attachments: 0) + object)]
  }

  private init(
    _ kind: SocketPacket.Kind, namespace: String, id: Int?, elements: [[UInt8]], attachments: [ByteBuffer]
  ) {
    var text = Self.head(kind, namespace: namespace, id: id, attachments: attachments.count)
    text.append(UInt8(ascii: "["))
    for (index, element) in elements.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      text += element
    }
    text.append(UInt8(ascii: "]"))
    frames = [EngineFrame(text: text)] + attachments.map { EngineFrame(binary: $0) }
  }

  private static func head(_ kind: SocketPacket.Kind, namespace: String, id: Int?, attachments: Int) -> [UInt8] {
    var text: [UInt8] = [kind.rawValue]
    if kind == .binaryEvent || kind == .binaryAcknowledgement { text += Array("\(attachments)-".utf8) }
    if namespace != "/" { text += Array("\(namespace),".utf8) }
    if let id { text += Array(String(id).utf8) }
    return text
  }
}

/// Texts as JSON.
enum JSONText {
  static func quoted(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0..<0x20: bytes += Array("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
    return bytes
  }
}
