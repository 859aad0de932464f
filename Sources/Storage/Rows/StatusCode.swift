// How words of the model are kept as small numbers.

import ChannelProtocol

extension DeliveryStatus {
  /// The number in `messages.status`. Never renumbered.
  var code: Int16 {
    switch self {
    case .queued: 0
    case .scheduled: 1
    case .sending: 10
    case .accepted: 20
    case .sent: 30
    case .delivered: 40
    case .undelivered: 41
    case .failed: 42
    case .canceled: 43
    case .read: 50
    case .received: 60
    }
  }

  init?(code: Int) {
    guard let status = Self.allCases.first(where: { Int($0.code) == code }) else { return nil }
    self = status
  }
}
