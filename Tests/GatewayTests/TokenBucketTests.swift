// How many requests somebody may make, with the clock passed in.

import Foundation
import HTTPTypes
import Synchronization
import Testing

@testable import Gateway

@Suite("Rate limits")
struct TokenBucketTests {
  private let start = ContinuousClock.now

  @Test("a bucket lets a burst through, then what its rate refills, and says when")
  func bucket() {
    var bucket = TokenBucket(burst: 4, at: start)
    let first = bucket.take(rate: 2, burst: 4, at: start)
    #expect(first == RateDecision(isAllowed: true, limit: 4, remaining: 3, reset: 1, retryAfter: 1))
    for _ in 0..<3 { #expect(bucket.take(rate: 2, burst: 4, at: start).isAllowed) }
    let refused = bucket.take(rate: 2, burst: 4, at: start)
    #expect(!refused.isAllowed && refused.remaining == 0 && refused.reset == 2 && refused.retryAfter == 1)
    #expect(!bucket.take(rate: 2, burst: 4, at: start + .milliseconds(499)).isAllowed)
    #expect(bucket.take(rate: 2, burst: 4, at: start + .milliseconds(500)).isAllowed)
    #expect(!bucket.take(rate: 2, burst: 4, at: start + .milliseconds(500)).isAllowed)
    #expect(bucket.look(rate: 2, burst: 4, at: start + .seconds(60)).remaining == 4, "no more than the burst")
  }

  @Test("a slow rate says honestly how long it takes; a clock that runs back takes nothing")
  func slow() {
    var bucket = TokenBucket(burst: 1, at: start)
    #expect(bucket.take(rate: 0.1, burst: 1, at: start).isAllowed)
    #expect(bucket.take(rate: 0.1, burst: 1, at: start).retryAfter == 10)
    #expect(bucket.take(rate: 0.1, burst: 1, at: start - .seconds(5)).retryAfter == 10)
    #expect(bucket.isFull(rate: 0.1, burst: 1, at: start + .seconds(10)))
  }

  @Test("each key has its own bucket; 0 is no limit")
  func keys() {
    let limiter = RateLimiter<Int>(rate: 1, burst: 1, now: { [start] in start })
    #expect(limiter.take(1)?.isAllowed == true && limiter.take(1)?.isAllowed == false)
    #expect(limiter.take(2)?.isAllowed == true)
    #expect(RateLimiter<Int>(rate: 0, burst: 1).take(1) == nil)
  }

  @Test("memory is bounded: full buckets are forgotten, and newcomers beyond the bound share one")
  func bounded() {
    let now = Mutex(start)
    let limiter = RateLimiter<Int>(rate: 1, burst: 2, maximumBuckets: 10, now: { now.withLock { $0 } })
    for key in 0..<10 { #expect(limiter.take(key)?.isAllowed == true) }
    #expect(limiter.take(10)?.isAllowed == true && limiter.take(11)?.isAllowed == true)
    #expect(limiter.take(12)?.isAllowed == false, "the third to share a bucket of two")
    #expect(limiter.take(0)?.isAllowed == true, "who was there first keeps a bucket")
    #expect(limiter.bucketCount == 10)
    now.withLock { $0 += .seconds(30) }
    #expect(limiter.take(13)?.remaining == 1 && limiter.bucketCount == 1)
  }

  private static func client(_ text: String) -> ClientAddress {
    ClientAddress(TrustedProxies().client(peer: text, fields: [:]))
  }

  @Test("an address is an IPv4 address or an IPv6 customer's 64 bits")
  func addresses() {
    #expect(Self.client("2001:db8:1:2::1") == Self.client("2001:db8:1:2:ffff::9"))
    #expect(Self.client("2001:db8:1:2::1") != Self.client("2001:db8:1:3::1"))
    #expect(Self.client("::ffff:192.0.2.1") == Self.client("192.0.2.1"))
    #expect(Self.client("fe80::1%eth0") == Self.client("fe80::2"))
    #expect(Self.client("192.0.2.1") != Self.client("192.0.2.2"))
  }

  @Test("after too many bad keys an address is refused unheard, but for keys that were good before; it recovers")
  func failedAuthentications() {
    let now = Mutex(start)
    let failures = FailedAuthentications(now: { now.withLock { $0 } })
    let address = Self.client("192.0.2.1")
    failures.remember([1])
    for _ in 0..<FailedAuthentications.burst {
      #expect(failures.refusal(address, [2]) == nil)
      #expect(failures.note(address)?.isAllowed == true)
    }
    #expect(failures.refusal(address, [2])?.retryAfter == 1)
    #expect(failures.refusal(address, [1]) == nil)
    #expect(failures.refusal(Self.client("192.0.2.2"), [2]) == nil)
    now.withLock { $0 += .seconds(1) }
    #expect(failures.refusal(address, [2]) == nil)
  }
}
