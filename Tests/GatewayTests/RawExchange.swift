// Requests written by hand, and what comes back until the connection ends.

import NIOCore
import NIOPosix

extension WholeGateway {
  /// What comes back for some bytes until the gateway closes the connection.
  /// - Parameter isEnding: nothing more is said after `text`.
  static func raw(_ text: String, to gateway: WholeGateway, isEnding: Bool = false) async throws -> String {
    let port = Int(gateway.base.split(separator: ":").last ?? "") ?? 0
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(string: text))
      if isEnding { outbound.finish() }
      var answer = ""
      for try await bytes in inbound { answer += String(buffer: bytes) }
      return answer
    }
  }
}
