// Who tries keys that do not exist, by address.

import DequeModule
import Sinks
import Synchronization

/// A client as limits know it: one IPv4 address, or the 64 bits of IPv6 that one customer has.
struct ClientAddress: Sendable, Hashable, CustomStringConvertible {
  private let network: IPAddress?

  init(_ address: IPAddress?) {
    if case .v6(let value) = address { network = .v6((value >> 64) << 64) } else { network = address }
  }

  var description: String { network?.description ?? "unknown" }
}

/// An address has shown too many bad keys.
struct TooManyFailures: Error {
  let decision: RateDecision
}

/// Counts bad keys by address. An address that has shown too many is refused before its key is looked up; but whoever
/// shares it and has shown a good key on this node before is let through to the look-up, where alone it is decided.
final class FailedAuthentications: Sendable {
  /// What an address may get wrong at once, and a second.
  static let burst = 100
  static let rate = 1.0

  private struct Good {
    var hashes: Set<[UInt8]> = []
    var order: Deque<[UInt8]> = []
  }

  private static let remembered = 1_024
  private let limiter: RateLimiter<ClientAddress>
  private let good = Mutex(Good())

  init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
    limiter = RateLimiter(rate: Self.rate, burst: Self.burst, now: now)
  }

  /// Why a key is not even looked up; nil: it is.
  func refusal(_ address: ClientAddress, _ hash: [UInt8]) -> RateDecision? {
    guard let decision = limiter.look(address), !decision.isAllowed else { return nil }
    return good.withLock { $0.hashes.contains(hash) } ? nil : decision
  }

  func note(_ address: ClientAddress) -> RateDecision? { limiter.take(address) }

  func remember(_ hash: [UInt8]) {
    good.withLock { good in
      guard good.hashes.insert(hash).inserted else { return }
      good.order.append(hash)
      if good.order.count > Self.remembered, let oldest = good.order.popFirst() { good.hashes.remove(oldest) }
    }
  }
}
