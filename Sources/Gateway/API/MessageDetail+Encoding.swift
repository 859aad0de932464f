// A message with its history, and with what the provider said where that is asked for.

import ChannelProtocol
import Foundation
import Storage

extension MessageDetail {
  /// Writes the resource of `GET /api/messages/:id`. `raw` holds every field that the provider has ever sent of the
  /// message, the newest value of each; the entries of the history hold what each report said.
  func write(to writer: inout JSONWriter, includesRaw: Bool) {
    message.write(to: &writer) { writer in
      writer.member("statusHistory") { writer in
        writer.array { writer in
          for (report, raw) in zip(history, reports) {
            report.write(to: &writer, raw: includesRaw ? raw ?? Array("{}".utf8) : nil)
          }
        }
      }
      guard includesRaw else { return }
      writer.key("raw")
      let payloads = [raw].compactMap { $0 } + reports.compactMap { $0 }
      if payloads.count == 1 { writer.raw(payloads[0]) } else { writer.value(Self.union(of: payloads)) }
    }
  }

  private static func union(of payloads: [[UInt8]]) -> JSONValue {
    .object(
      payloads.reduce(into: [:]) { members, payload in
        let value = try? JSONDecoder().decode(JSONValue.self, from: Data(payload))
        members.merge(value?.objectValue ?? [:]) { _, newer in newer }
      })
  }
}
