// An event with its bytes: written as JSON once, shared by every connection that it goes out on.

public import ChannelProtocol
public import NIOCore
internal import SocketIO
internal import Synchronization

/// An event and its wire forms, made when the first client wants one: most events go to nobody here. One object for all
/// readers: handing it on costs a reference count.
public final class EncodedEvent: Sendable, Equatable {
  /// The event without its `data`: that is kept once, beside it or in the frame.
  public let event: Event
  /// About how much memory it holds, in bytes: the frame, or less without one, and the objects around it. Where the frame
  /// is made and neighbours in the batch have none, its share of their common piece stays beside it.
  public let memoryCost: Int
  /// Nil once the frame is made: it holds the data from then on.
  private let plainData: Mutex<ArraySlice<UInt8>?>
  private let frames = AtomicLazyReference<EventFrames>()

  public convenience init(_ event: Event) { self.init(event, data: event.data[...]) }

  /// - Parameter data: the event's own, which may lie beside that of others.
  private init(_ event: Event, data: ArraySlice<UInt8>) {
    memoryCost = EventFrames.size(of: event) + 256
    plainData = Mutex(data)
    var envelope = event
    envelope.data = []
    self.event = envelope
  }

  public var seq: Int64 { event.seq }

  /// The whole WebSocket frame, header included (unmasked, as a server sends), of
  /// `{"type":"event","event":…}`. Copies of the buffer share its storage.
  public var webSocketFrame: ByteBuffer { encoded.webSocket }

  /// The packet for Socket.IO clients in the namespace of messages; encoded once, on the first call.
  var socketIOFrames: SocketFrames { encoded.socketIO(event.type) }

  /// The event as one JSON object, `{seq, id, type, at, conversationId, data}`, UTF-8; made on each call.
  public var json: [UInt8] {
    var writer = JSONWriter(capacity: memoryCost)
    write(to: &writer)
    return writer.bytes
  }

  /// The same bytes as ``json``, shared instead of copied.
  public var jsonBuffer: ByteBuffer { encoded.json }

  /// The event's `data`, UTF-8 JSON.
  public var data: [UInt8] { withData { Array($0) } }

  /// The event with its `data`.
  public var whole: Event {
    var whole = event
    whole.data = data
    return whole
  }

  /// Writes the same as ``json``.
  func write(to writer: inout JSONWriter) { whole.write(to: &writer) }

  /// The event's `data`, where it lies.
  public func withData<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    if let plain = plainData.withLock(\.self) { return try plain.withUnsafeBytes(body) }
    return try encoded.withData(body)
  }

  private var encoded: EventFrames {
    if let frames = frames.load() { return frames }
    return plainData.withLock { data in
      if let frames = frames.load() { return frames }
      var whole = event
      whole.data = Array(data ?? [])
      defer { data = nil }
      return frames.storeIfNil(EventFrames(whole))
    }
  }

  /// Many at once. Their data are copied side by side: what has to be kept for long is so allocated in few pieces, and
  /// what the writer of the events allocated becomes free for the next.
  static func encode(_ events: ArraySlice<Event>) -> [EncodedEvent] {
    var encoded: [EncodedEvent] = []
    encoded.reserveCapacity(events.count)
    var rest = events
    while !rest.isEmpty {
      var size = 0
      let piece = rest.prefix { event in
        defer { size += event.data.count }
        return size == 0 || size + event.data.count <= pieceSize
      }
      add(piece, to: &encoded)
      rest = rest[piece.endIndex...]
    }
    return encoded
  }

  private static func add(_ events: ArraySlice<Event>, to encoded: inout [EncodedEvent]) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(events.reduce(0) { $0 + $1.data.count })
    for event in events { bytes += event.data }
    var start = 0
    for event in events {
      encoded.append(EncodedEvent(event, data: bytes[start..<(start + event.data.count)]))
      start += event.data.count
    }
  }

  /// A piece is free again once all of it has fallen out of the ring.
  private static let pieceSize = 32_768

  public static func == (left: EncodedEvent, right: EncodedEvent) -> Bool {
    left.event == right.event && left.data == right.data
  }
}
