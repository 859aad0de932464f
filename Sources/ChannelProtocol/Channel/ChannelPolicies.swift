// What a channel's configuration has the engine do before it calls anybody.

public struct ChannelPolicies: Sendable, Hashable {
  /// What happens to a free-form message when the contact has not written within the channel's window.
  public enum OutsideWindow: Sendable, Hashable {
    case reject
    /// This template goes in its place, with the message's text as its variable `1`.
    case template(sid: String)
    /// It waits until the contact writes.
    case hold
  }

  /// A message to a contact who opted out is refused before any call.
  public var refusesOptedOut: Bool
  public var outsideWindow: OutsideWindow
  /// How long a held message waits at most.
  public var holdFor: Duration

  public init(
    refusesOptedOut: Bool = true, outsideWindow: OutsideWindow = .reject, holdFor: Duration = .seconds(24 * 3_600)
  ) {
    self.refusesOptedOut = refusesOptedOut
    self.outsideWindow = outsideWindow
    self.holdFor = holdFor
  }
}
