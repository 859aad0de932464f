// Whether a call says something, however it is encoded.

import ChannelProtocol
import Foundation
import HTTPTypes

extension ScriptedTransport.Exchange {
  /// Whether the text stands in the target or the body: as it is, as part of a form, or in a JSON document.
  func mentions(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    let target = Array((request.path ?? "").utf8)
    if [target, body].contains(where: { $0.contains(wanted) || Self.decoded($0).contains(wanted) }) { return true }
    let document = try? JSONDecoder().decode(JSONValue.self, from: Data(body))
    return document?.texts.contains { $0.utf8.contains(wanted) } ?? false
  }

  /// Percent-encoding undone, and the plus signs of forms.
  private static func decoded(_ bytes: [UInt8]) -> [UInt8] {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "%"), index + 2 < bytes.count,
        let value = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
      {
        decoded.append(value)
        index += 3
      } else {
        decoded.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        index += 1
      }
    }
    return decoded
  }
}
