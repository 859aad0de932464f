// What this node has committed, for its own reader of the log: it need not ask the database for it.

public import ChannelProtocol
import Synchronization

/// Hands each unit's events to one follower as soon as they are committed, in the order of their numbers within the
/// unit. Not the log: what other nodes commit is not in it, nor what a lost connection left undecided.
public final class CommitFeed: Sendable {
  /// In a struct: a bare closure in a generic box is wrapped once more by every look at it.
  private struct Follower {
    let call: @Sendable ([Event]) -> Void
  }

  private let follower = Mutex<Follower?>(nil)

  public init() {}

  /// `body` is called on the writer's thread: it must be quick and must not block.
  public func follow(_ body: (@Sendable ([Event]) -> Void)?) {
    follower.withLock { $0 = body.map { Follower(call: $0) } }
  }

  func publish(_ events: [Event]) {
    follower.withLock { $0 }?.call(events)
  }
}
