// Which notifications the reader of the log need not wait for.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("What waits for the reader of the log")
struct TailInboxTests {
  private static func events(_ numbers: ClosedRange<Int64>) -> [Event] {
    numbers.map { seq in
      Event(
        seq: seq, id: Identifier(high: 0, low: UInt64(seq)), type: .messageNew, at: Timestamp(seconds: 1),
        conversationID: nil, channel: nil, data: [])
    }
  }

  @Test("a number is led to by a unit that waits, and by a reading that was asked for, and by nothing else")
  func leads() {
    let inbox = TailInbox {}
    #expect(!inbox.leads(to: 1))
    inbox.add(Self.events(5...6))
    #expect(inbox.leads(to: 6))
    // Another node's: the unit that waits does not follow on what was read, so the log is read.
    #expect(inbox.leads(to: 4))
    #expect(!inbox.leads(to: 7), "another node's, or ours that has not come yet")
    #expect(inbox.take().committed.count == 1)
    #expect(!inbox.leads(to: 6), "what was taken is in the ring, or about to be")
    inbox.askForRead()
    #expect(inbox.leads(to: 100))
    #expect(inbox.take().mustRead && !inbox.leads(to: 100))
  }
}
