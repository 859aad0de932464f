// How often, and how far back, an account's messages are compared with the provider's list.

/// `reconcile` of an account.
public struct ReconciliationPolicy: Sendable, Hashable {
  /// The pause between two comparisons; zero: there are none.
  public var every: Duration
  /// No message is looked for that is older.
  public var lookBack: Duration

  public init(every: Duration = .seconds(15 * 60), lookBack: Duration = .seconds(24 * 3_600)) {
    self.every = every
    self.lookBack = lookBack
  }
}

/// What tests make shorter.
struct ReconciliationTimes: Sendable {
  /// What is younger may still be on its way by webhook, which says more than a list does.
  var settle: Duration = .seconds(120)
  /// How far a comparison reaches into the one before it: the provider's list may lag behind.
  var overlap: Duration = .seconds(600)
  /// The pause between two pages.
  var pacing: Duration = .milliseconds(250)
  var maximumPages = 100
  /// How long a comparison may take in all; a node that died in one holds the others up for so long.
  var lease: Duration = .seconds(300)

  init() {}
}
