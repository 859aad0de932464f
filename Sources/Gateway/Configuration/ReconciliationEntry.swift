// `reconcile` of an account's entry.

import ChannelProtocol

extension ReconciliationPolicy {
  static let key = ConfigurationKey(
    "reconcile",
    .object([
      ConfigurationKey("every", .duration, "How often the provider's list is read; 15m if left out, 0s for never."),
      ConfigurationKey("lookBack", .duration, "How far back at most; 1d if left out."),
    ]), "Finds messages that no webhook brought, after a downtime and from time to time.")

  init(_ value: ConfigurationValue?, validator: inout ConfigurationValidator) {
    self.init()
    if let written = value?["every"], let seconds = written.number {
      if seconds > 0, seconds < 10 { validator.report("every must be 10s at least, or 0s", at: written.position) }
      every = .seconds(seconds)
    }
    if let written = value?["lookBack"], let seconds = written.number {
      if seconds <= 0 || seconds > 30 * 86_400 {
        validator.report("lookBack must be longer than 0 and 30d at most", at: written.position)
      }
      lookBack = .seconds(seconds)
    }
  }
}
