// What the configuration says about deliveries.

import ChannelProtocol

struct DeliveryPolicy: Sendable, Hashable {
  var schedule: RetrySchedule
  /// How long a failing delivery holds its conversation back; nil: until it is delivered or dead.
  var holdFor: Duration?
  /// How long nothing but failures may come before an endpoint is disabled.
  var disableAfter: Duration
  /// Deliveries a second of what a pause has left.
  var catchUp: Double
  /// Attempts under way at once, over all endpoints, and at one of them.
  var concurrency: Int
  var perEndpoint: Int
}
