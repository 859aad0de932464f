// Which senders a committed event slows down.

import ChannelProtocol
import Foundation
import Sinks

/// Twilio's queue errors come by callback, long after it took the message: the log tells them to every node.
enum SenderBrake {
  private static let failed: StaticString = #""error":{"code":""#

  /// The keys of the senders that were too fast; most events name none, and are not read for it: whoever feeds the ring
  /// waits meanwhile.
  static func senderKeys(_ encoded: EncodedEvent, in directory: ChannelDirectory) -> [String] {
    guard encoded.event.type == .messageStatus, encoded.withData(tellsOfHaste),
      let channel = encoded.event.channel.flatMap({ directory[$0] }),
      let message = try? JSONDecoder().decode(JSONValue.self, from: Data(encoded.data)),
      let code = message["error"]?["code"]?.stringValue, ErrorWords.saysTooFast(code)
    else { return [] }
    let own = channel.senders.filter { $0.address == message["from"]?.stringValue }
    // A pool's message names the number that the provider chose.
    return (own.isEmpty ? channel.senders : own).map(channel.senderKey)
  }

  /// Whether an object `error` in there has such a code; whose error it is, the message says when it is read.
  private static func tellsOfHaste(_ data: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    while let code = data.end(of: failed, rarest: #""error":"#.utf8.count, from: position) {
      let digits = data[code...].prefix { $0 != UInt8(ascii: "\"") }
      if ErrorWords.saysTooFast(String(decoding: digits, as: UTF8.self)) { return true }
      position = code
    }
    return false
  }
}
