// The table of asking again.

import ChannelProtocol
import Storage
import Testing

@testable import Gateway

@Suite("Asking the provider again")
struct PollPolicyTests {
  private static let now = Timestamp(seconds: 1_790_000_000)
  private static let policy = PollPolicy()

  private static func subject(
    _ status: DeliveryStatus, age: Duration = .seconds(180), sid: String? = "SM1", contradicted: Bool = false,
    priced: Bool = false
  ) -> ClaimedPoll.Subject {
    ClaimedPoll.Subject(
      channel: "sms", accountSID: "AC1", providerSID: sid, status: status, isContradicted: contradicted,
      leavesAt: now - age, address: Address(type: .sms, value: "+14155550101"), hasPrice: priced)
  }

  private static func step(
    _ subject: ClaimedPoll.Subject?, attempts: Int = 1, tellsPrices: Bool = false
  ) -> PollPolicy.Step {
    policy.step(for: subject, attempts: attempts, tellsPrices: tellsPrices, now: now, jitter: 0.5)
  }

  @Test("a message without an end is asked about; one that ended is let be, unless two ends were told")
  func ends() {
    #expect(Self.step(Self.subject(.accepted)) == .ask)
    #expect(Self.step(Self.subject(.sent)) == .ask)
    for status in [DeliveryStatus.delivered, .undelivered, .failed, .canceled, .read] {
      #expect(Self.step(Self.subject(status)) == .drop)
      #expect(Self.step(Self.subject(status, contradicted: true)) == .ask)
    }
    #expect(Self.step(nil) == .drop)
  }

  @Test(
    "a message that ended without a price is asked about after an hour, six hours and a day, where there are prices")
  func prices() {
    let hour = Duration.seconds(3_600)
    let early = Self.subject(.delivered, age: .seconds(300))
    #expect(Self.step(early, tellsPrices: true) == .wait(until: Self.now + hour - .seconds(300)))
    #expect(Self.step(Self.subject(.delivered, age: hour), tellsPrices: true) == .ask)
    #expect(Self.step(Self.subject(.undelivered, age: hour * 24), tellsPrices: true) == .ask)
    #expect(Self.step(Self.subject(.delivered, age: hour), tellsPrices: false) == .drop)
    #expect(Self.step(Self.subject(.delivered, age: hour, priced: true), tellsPrices: true) == .drop)
    #expect(Self.step(Self.subject(.canceled, age: hour), tellsPrices: true) == .drop)
    #expect(Self.step(Self.subject(.delivered, age: hour * 36), tellsPrices: true) == .drop)
    func next(_ age: Duration) -> Duration? {
      Self.policy.nextForPrice(leftAt: Self.now - age, now: Self.now).map { $0 - Self.now }
    }
    #expect(next(.seconds(60)) == hour - .seconds(60))
    #expect(next(hour) == hour * 5 && next(hour * 7) == hour * 17 && next(hour * 24) == nil)
  }

  @Test("a message that has not left is asked about after it has, and one of long ago no more")
  func times() {
    #expect(Self.step(Self.subject(.queued, sid: nil)) == .wait(until: Self.now + .seconds(120)))
    #expect(Self.step(Self.subject(.queued, sid: nil), attempts: 3) == .wait(until: Self.now + .seconds(480)))
    #expect(
      Self.step(Self.subject(.accepted, age: .seconds(-600))) == .wait(until: Self.now + .seconds(600 + 120)))
    #expect(Self.step(Self.subject(.sent, age: .seconds(36 * 3_600 - 1))) == .ask)
    #expect(Self.step(Self.subject(.sent, age: .seconds(36 * 3_600))) == .drop)
  }

  @Test("the pauses double up to four hours, with jitter, and a provider may ask for a longer one")
  func pauses() {
    func pause(_ attempts: Int, jitter: Double = 0.5, retryAfter: Duration? = nil) -> Duration {
      Self.policy.next(attempts: attempts, retryAfter: retryAfter, now: Self.now, jitter: jitter) - Self.now
    }
    #expect((1...4).map { pause($0) } == [120, 240, 480, 960].map { .seconds($0) })
    #expect(pause(50) == .seconds(4 * 3_600))
    #expect(pause(1, jitter: 0) == .seconds(96) && pause(1, jitter: 1) == .seconds(144))
    #expect(pause(1, retryAfter: .seconds(900)) == .seconds(900))
  }

  @Test("a listed status corrects what is known here only where it says more")
  func corrections() {
    func corrects(_ told: DeliveryStatus?, _ known: KnownMessage, price: Price? = nil) -> Bool {
      known.isCorrected(
        by: StatusUpdate(
          accountSID: "AC1", providerSID: "SM1", messageID: nil,
          report: StatusReport(status: told, providerStatus: "x", at: Self.now, source: .poll), price: price,
          raw: .empty))
    }
    let sent = KnownMessage(status: .sent, isContradicted: false, price: nil)
    #expect(corrects(.delivered, sent) && corrects(.failed, sent))
    #expect(!corrects(.sent, sent) && !corrects(.accepted, sent) && !corrects(nil, sent))
    let price = Price(amount: "-0.00830", currency: "usd")
    #expect(corrects(.sent, sent, price: price))
    #expect(price == Price(amount: "0.00830", currency: "USD"))
    let read = KnownMessage(status: .read, isContradicted: false, price: price)
    #expect(!corrects(.delivered, read, price: price))
    #expect(corrects(.undelivered, KnownMessage(status: .delivered, isContradicted: false, price: price)))
    #expect(corrects(.delivered, KnownMessage(status: .delivered, isContradicted: true, price: price)))
  }
}
