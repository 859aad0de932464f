// Which senders a committed event slows down.

import ChannelProtocol
import Foundation

/// Twilio's queue errors come by callback, long after it took the message: the log tells them to every node.
enum SenderBrake {
  private static let failed = Array(#""error":{"code":"#.utf8)

  /// The keys of the senders that were too fast; most events name none, and are not read for it.
  static func senderKeys(_ event: Event, in directory: ChannelDirectory) -> [String] {
    guard event.type == .messageStatus, event.data.contains(Self.failed),
      let channel = event.channel.flatMap({ directory[$0] }),
      let message = try? JSONDecoder().decode(JSONValue.self, from: Data(event.data)),
      let code = message["error"]?["code"]?.stringValue, ErrorWords.saysTooFast(code)
    else { return [] }
    let own = channel.senders.filter { $0.address == message["from"]?.stringValue }
    // A pool's message names the number that the provider chose.
    return (own.isEmpty ? channel.senders : own).map(channel.senderKey)
  }
}
