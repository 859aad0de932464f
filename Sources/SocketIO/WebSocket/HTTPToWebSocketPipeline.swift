// The change of a live HTTP/1 pipeline into a WebSocket's. NIO's own upgrade handler looks at the first request of a
// connection only; a browser or proxy may well send the upgrade on a connection that was used before.

package import NIOCore
internal import NIOHTTP1
internal import NIOWebSocket

extension ChannelPipeline.SynchronousOperations {
  private static let decoderName = "fractal.http-request-decoder"

  /// Puts a request decoder in place that hands on, when it is removed, the bytes that came behind the request. The one
  /// of a pipeline that knows of no upgrade drops them: a client's first frames, where they came along with its request.
  ///
  /// To be called while the channel is set up: no byte may come between the two decoders, so nothing is done on a
  /// channel that is active already.
  package func keepBytesBehindUpgrade() throws {
    // Another upgrading handler of this pipeline may have done it.
    if (try? context(name: Self.decoderName)) != nil { return }
    // Hummingbird's defaults.
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = 80 * 1024
    limits.maxHeaderListSize = 80 * 1024
    limits.maxHeaderFieldCount = 1000
    let old = try handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
    let new = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits))
    try addHandler(new, name: Self.decoderName, position: .after(old))
    removeHandler(old, promise: nil)
  }

  /// Takes HTTP's own codec out and puts frames in its place. The handlers behind it stay where they are: they see no
  /// further reads, and what they write is swallowed by `connection`; but they still learn when the channel ends, which
  /// ends the server's task for it.
  ///
  /// The response that switches protocols must have been written.
  package func switchToWebSocket(_ connection: some WebSocketChannelHandler, maximumFrame: Int) throws {
    let encoder = try handler(type: HTTPResponseEncoder.self)
    let decoder = try handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
    let frames = ByteToMessageHandler(BoundedFrameDecoder(maximumFrame: maximumFrame, connection: connection))
    try addHandlers([frames, connection], position: .after(decoder))
    removeHandler(encoder, promise: nil)
    // Takes effect at the loop's next step, and hands its remaining bytes to the frame decoder.
    removeHandler(decoder, promise: nil)
  }
}

/// Decodes frames, and lets a peer that has not shown a key yet fill less memory.
private final class BoundedFrameDecoder<Connection: WebSocketChannelHandler>: ByteToMessageDecoder {
  typealias InboundOut = WebSocketFrame

  private let decoder: WebSocketFrameDecoder
  private let connection: Connection

  init(maximumFrame: Int, connection: Connection) {
    decoder = WebSocketFrameDecoder(maxFrameSize: maximumFrame)
    self.connection = connection
  }

  func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
    let state = try decoder.decode(context: context, buffer: &buffer)
    if case .needMoreData = state, buffer.readableBytes > connection.maximumIncomplete {
      throw NIOWebSocketError.invalidFrameLength
    }
    return state
  }

  func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
    while case .continue = try decode(context: context, buffer: &buffer) {}
    return .needMoreData
  }
}
