// Bulks as `API.md` shows them.

import ChannelProtocol
import Storage

extension NewBulk {
  /// Writes `{id, total, accepted, rejected}`.
  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("total", recipients.count + refused.count)
      writer.member("accepted", recipients.count)
      refused.write(to: &writer)
    }
  }
}

extension Bulk {
  /// Nothing waits, and everything was handed over or has ended.
  var isCompleted: Bool { state == .running && waiting == 0 && unitsLeft == 0 }

  private var word: String {
    switch state {
    case .running: isCompleted ? "completed" : "running"
    case .paused: "paused"
    case .canceled: "canceled"
    }
  }

  /// When the last message will have been handed to the provider, at the pace of the channel's senders.
  func estimatedEnd(messagesPerSecond rate: Double, now: Timestamp) -> Timestamp? {
    guard state == .running, !isCompleted, rate > 0 else { return nil }
    return now + .milliseconds(Int64(Double(unitsLeft) / rate * 1_000))
  }

  /// Writes `{id, state, total, counts, rejected, eta, createdAt}`. Who waits for a message is counted as `queued`, or
  /// as `canceled` where none will come; the counts and the rejected add up to the total.
  func write(to writer: inout JSONWriter, messagesPerSecond: Double, now: Timestamp) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("state", word)
      writer.member("total", total)
      writer.member("counts") { writer in
        writer.object { writer in
          for status in DeliveryStatus.allCases where status != .received {
            let silent = status == (state == .canceled ? .canceled : .queued) ? waiting : 0
            writer.key(status.rawValue)
            writer.value(Int64((counts[status] ?? 0) + silent))
          }
          writer.member("rejected", refused.count)
        }
      }
      refused.write(to: &writer)
      writer.member("eta", estimatedEnd(messagesPerSecond: messagesPerSecond, now: now))
      writer.member("createdAt", createdAt)
    }
  }

  /// The answer to the request that made it.
  func writeAcceptance(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("total", total)
      writer.member("accepted", total - refused.count)
      refused.write(to: &writer)
    }
  }
}

extension [BulkRefusal] {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("rejected") { writer in
      writer.array { writer in
        for refusal in self {
          writer.object { writer in
            writer.member("index", refusal.index)
            writer.member("code", refusal.code)
            writer.member("message", refusal.message)
          }
        }
      }
    }
  }
}
