// Which number a contact hears from.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("The sender that a contact knows")
struct StickySenderTests {
  private func senders(_ count: Int) -> [Sender] {
    (0..<count).map { Sender(address: "+1500555000\($0)", messagesPerSecond: 1) }
  }

  private let contacts = (0..<1_000).map { "+1415555\(1_000 + $0)" }

  @Test("the number of the last message stays, as long as it is ours")
  func lastUsed() {
    for sender in senders(4) {
      #expect(
        StickySender.choose(from: senders(4), for: contacts[0], lastUsed: sender.address)?.address == sender.address)
    }
    let chosen = StickySender.choose(from: senders(4), for: contacts[0], lastUsed: "+19999999999")
    #expect(chosen == StickySender.choose(from: senders(4), for: contacts[0], lastUsed: nil))
  }

  @Test("contacts are spread evenly, and one number more takes its share and moves nobody else")
  func spread() {
    func choices(_ count: Int) -> [String?] {
      contacts.map { StickySender.choose(from: senders(count), for: $0, lastUsed: nil)?.address }
    }
    let four = choices(4)
    for sender in senders(4) {
      #expect((150...350).contains(four.filter { $0 == sender.address }.count), "\(sender.address)")
    }
    let five = choices(5)
    let moved = zip(four, five).filter { $0 != $1 }
    #expect(moved.allSatisfy { $0.1 == "+15005550004" })
    #expect((100...320).contains(moved.count))
  }

  @Test("a provider's pool chooses for itself; of one sender there is no choice")
  func pools() {
    let pool = [Sender(address: "MG0123", messagesPerSecond: 1)] + senders(3)
    #expect(StickySender.choose(from: pool, for: contacts[0], lastUsed: "+15005550001")?.address == "MG0123")
    #expect(StickySender.choose(from: senders(1), for: contacts[0], lastUsed: nil)?.address == "+15005550000")
    #expect(StickySender.choose(from: [], for: contacts[0], lastUsed: nil) == nil)
  }
}
