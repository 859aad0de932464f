// A clock that stands still until a test moves it.

public import ChannelProtocol
import Synchronization

/// Tells the time it was given.
public final class ManualClock: WallClock {
  private struct State {
    var now: Timestamp
    let tick: Duration
  }

  private let state: Mutex<State>

  /// - Parameters:
  ///   - start: the first time it tells.
  ///   - tick: how far each reading moves it on; ids made one after another then sort in that order.
  public init(_ start: Timestamp = Timestamp(seconds: 1_767_225_600), tick: Duration = .zero) {
    state = Mutex(State(now: start, tick: tick))
  }

  public func now() -> Timestamp {
    state.withLock { state in
      defer { state.now = state.now + state.tick }
      return state.now
    }
  }

  /// Moves it on, or back.
  public func advance(by duration: Duration) {
    state.withLock { $0.now = $0.now + duration }
  }

  public func set(_ time: Timestamp) {
    state.withLock { $0.now = time }
  }
}
