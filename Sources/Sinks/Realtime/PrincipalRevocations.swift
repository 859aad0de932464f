// Keys that are taken back while connections live on them.

public import ChannelProtocol
internal import Synchronization

/// Tells whoever follows which key is no longer one. A hint of the database's, so it may be lost: then it is told that
/// something may have been, and every key is to be looked at again.
public final class PrincipalRevocations: Sendable {
  public enum Revocation: Sendable, Hashable {
    case key(Identifier)
    /// Some may have gone unheard.
    case unknown
  }

  public struct Following: Sendable, Hashable { fileprivate let number: Int }

  /// In a struct: a bare closure in a generic box is wrapped once more by every look at it.
  private struct Follower { let call: @Sendable (Revocation) -> Void }

  private struct State {
    var followers: [Int: Follower] = [:]
    var nextNumber = 0
  }

  private let state = Mutex(State())

  public init() {}

  /// `body` must be quick and must not block.
  public func follow(_ body: @escaping @Sendable (Revocation) -> Void) -> Following {
    state.withLock { state in
      state.nextNumber += 1
      state.followers[state.nextNumber] = Follower(call: body)
      return Following(number: state.nextNumber)
    }
  }

  public func end(_ following: Following) { state.withLock { $0.followers[following.number] = nil } }

  public func publish(_ revocation: Revocation) {
    for follower in state.withLock({ Array($0.followers.values) }) { follower.call(revocation) }
  }
}
