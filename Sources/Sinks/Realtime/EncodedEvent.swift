// An event with its bytes: written as JSON once, shared by every connection that it goes out on.

public import ChannelProtocol
public import NIOCore
internal import NIOWebSocket
internal import SocketIO
internal import Synchronization

/// An event and its wire forms. One object for all readers: handing it on costs a reference count.
public final class EncodedEvent: Sendable, Equatable {
  /// The event without its `data`, which lies in the frame: it is kept once.
  public let event: Event
  /// The whole WebSocket frame, header included (unmasked, as a server sends), of
  /// `{"type":"event","event":…}`. Copies of the buffer share its storage.
  public let webSocketFrame: ByteBuffer
  /// Where `{seq, id, type, at, conversationId, data}` lies within the frame.
  private let jsonRange: Range<Int>
  private let dataLength: Int
  /// Made when the first Socket.IO client wants it.
  private let socketFrames = Mutex<SocketFrames?>(nil)

  public init(_ event: Event) {
    var writer = JSONWriter(capacity: event.data.count + Self.envelopeSize)
    event.write(to: &writer)
    let json = writer.bytes
    var frame = ByteBuffer()
    let payloadLength = Self.opening.utf8CodeUnitCount + json.count + 1
    frame.reserveCapacity(payloadLength + WebSocketFrameHeader.maximumLength)
    WebSocketFrameHeader(opcode: .text, payloadLength: payloadLength).write(to: &frame)
    frame.writeStaticString(Self.opening)
    let start = frame.writerIndex
    frame.writeBytes(json)
    jsonRange = start..<frame.writerIndex
    frame.writeStaticString("}")
    dataLength = event.data.count
    var envelope = event
    envelope.data = []
    self.event = envelope
    webSocketFrame = frame
  }

  public var seq: Int64 { event.seq }

  /// The event as one JSON object, `{seq, id, type, at, conversationId, data}`, UTF-8; copied on each call.
  public var json: [UInt8] { Array(webSocketFrame.getBytes(at: jsonRange.lowerBound, length: jsonRange.count) ?? []) }

  /// The same bytes as ``json``, shared instead of copied.
  public var jsonBuffer: ByteBuffer {
    webSocketFrame.getSlice(at: jsonRange.lowerBound, length: jsonRange.count) ?? ByteBuffer()
  }

  /// The event's `data`, UTF-8 JSON; copied on each call. It is the last member of the event's object.
  public var data: [UInt8] {
    webSocketFrame.getBytes(at: jsonRange.upperBound - 1 - dataLength, length: dataLength) ?? []
  }

  /// The packet for Socket.IO clients in the namespace of messages; encoded once, on the first call.
  var socketIOFrames: SocketFrames {
    socketFrames.withLock { frames in
      if let frames { return frames }
      let made = SocketFrames(
        event: MessagingEvent.name(of: event.type), json: jsonBuffer, namespace: MessagingEvent.namespace)
      frames = made
      return made
    }
  }

  /// About how much memory it holds, in bytes: the frame and the objects around it.
  public var memoryCost: Int { webSocketFrame.capacity + 256 }

  public static func == (left: EncodedEvent, right: EncodedEvent) -> Bool {
    left.webSocketFrame == right.webSocketFrame && left.event == right.event
  }

  private static let opening: StaticString = #"{"type":"event","event":"#
  /// Room for what surrounds `data`.
  private static let envelopeSize = 224
}
