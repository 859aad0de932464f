// The state machines of the client, without I/O.

import ChannelProtocol
import NIOCore
import Testing

@testable import Sinks

@Suite("webhook exchange")
struct WebhookExchangeTests {
  @Test("an answer ends the exchange and frees a persistent connection")
  func answer() {
    var exchange = HTTPExchange()
    let first = exchange.begin()
    #expect(first)
    let second = exchange.begin()
    #expect(!second)
    let third = exchange.received(head: HTTPAnswer(status: 200), persistent: true)
    #expect(third == .none)
    let fourth = exchange.received(body: [1, 2])
    #expect(fourth == .none)
    let fifth = exchange.receivedEnd()
    #expect(fifth == .finish(.success(HTTPAnswer(status: 200, excerpt: [1, 2])), reusable: true))
    let sixth = exchange.begin()
    #expect(sixth)
  }

  @Test("an answer that closes the connection frees nothing")
  func closing() {
    var exchange = HTTPExchange()
    let first = exchange.begin()
    #expect(first)
    _ = exchange.received(head: HTTPAnswer(status: 500), persistent: false)
    let second = exchange.receivedEnd()
    #expect(second == .finish(.success(HTTPAnswer(status: 500)), reusable: false))
    let third = exchange.begin()
    #expect(!third)
  }

  @Test("a body beyond the limit is cut, its beginning kept, the connection given up")
  func longBody() {
    var exchange = HTTPExchange()
    let first = exchange.begin()
    #expect(first)
    _ = exchange.received(head: HTTPAnswer(status: 200), persistent: true)
    let chunk = Array(repeating: UInt8(1), count: 1_000)
    for _ in 0..<65 {
      let second = exchange.received(body: chunk)
      #expect(second == .none)
    }
    let kept = HTTPAnswer(status: 200, excerpt: Array(repeating: 1, count: 1_024))
    let third = exchange.received(body: chunk)
    #expect(third == .finish(.success(kept), reusable: false))
    let fourth = exchange.received(body: chunk)
    #expect(fourth == .none)
    let fifth = exchange.failed(.timeout)
    #expect(fifth == .none)
  }

  @Test("a failure before the head fails, one after it leaves the answer standing", arguments: WebhookFailure.allCases)
  func failures(failure: WebhookFailure) {
    var early = HTTPExchange()
    let first = early.begin()
    #expect(first)
    let second = early.failed(failure)
    #expect(second == .finish(.failure(failure), reusable: false))
    var late = HTTPExchange()
    let third = late.begin()
    #expect(third)
    _ = late.received(head: HTTPAnswer(status: 204), persistent: true)
    let fourth = late.failed(failure)
    #expect(fourth == .finish(.success(HTTPAnswer(status: 204)), reusable: false))
  }

  @Test("bytes that nobody asked for close an idle connection")
  func unasked() {
    var exchange = HTTPExchange()
    let first = exchange.received(head: HTTPAnswer(status: 200), persistent: true)
    #expect(first == .close)
    let second = exchange.begin()
    #expect(!second)
    var idle = HTTPExchange()
    let third = idle.failed(.connectionFailed)
    #expect(third == .close)
  }

  @Test("the kept text is valid, without NUL and without half a character")
  func excerpt() {
    #expect(HTTPAnswer(status: 200).text == nil)
    #expect(HTTPAnswer(status: 200, excerpt: [0x61, 0, 0x62]).text == "ab")
    let cut = Array(repeating: UInt8(0x61), count: 1_023) + [0xC3]
    #expect(HTTPAnswer(status: 200, excerpt: cut).text == String(repeating: "a", count: 1_023))
    #expect(HTTPAnswer(status: 200, excerpt: [0xFF]).text == "\u{FFFD}")
  }

  @Test("idle connections are bounded in number and age, the newest taken first")
  func idleConnections() throws {
    var idle = IdleConnections<Int>(limit: 3, perOrigin: 2)
    let one = IdleConnections<Int>.Origin(try EndpointURL("http://a.example/x"))
    let same = IdleConnections<Int>.Origin(try EndpointURL("http://A.example:80/y"))
    let other = IdleConnections<Int>.Origin(try EndpointURL("https://a.example/"))
    let now = NIODeadline.uptimeNanoseconds(1_000)
    let later = now + .seconds(60)
    #expect(one == same)
    let first = idle.put(1, origin: one, retiresAt: later, now: now)
    #expect(first == [])
    let second = idle.put(2, origin: one, retiresAt: later, now: now)
    #expect(second == [])
    let third = idle.put(3, origin: one, retiresAt: later, now: now)
    #expect(third == [1])
    let fourth = idle.put(4, origin: other, retiresAt: later, now: now)
    #expect(fourth == [])
    let fifth = idle.put(5, origin: other, retiresAt: later, now: now)
    #expect(fifth == [5])
    let sixth = idle.take(same, now: now)
    #expect(sixth.connection == 3)
    let seventh = idle.take(one, now: later)
    #expect(seventh == (nil, [2]))
    #expect(idle.count == 1)
    let eighth = idle.put(6, origin: one, retiresAt: now, now: now)
    #expect(eighth == [6])
    let ninth = idle.removeAll()
    #expect(ninth == [4])
    let tenth = idle.take(other, now: now)
    #expect(tenth.connection == nil)
  }

  @Test(
    "what follows from an answer",
    arguments: [
      (200, DispositionKind.delivered), (204, .delivered), (299, .delivered), (199, .retry), (301, .retry),
      (400, .retry),
      (404, .retry), (410, .dead), (429, .retry), (500, .retry), (503, .retry),
    ])
  func dispositions(status: Int, expected: DispositionKind) {
    let now = WebhookFixtures.event(1).at
    let result = WebhookResult(.success(HTTPAnswer(status: status)), at: now, latency: .zero)
    let schedule = RetrySchedule(pauses: [.seconds(5)])
    let first = result.disposition(attempts: 0, now: now, schedule: schedule, jitter: 0)
    let last = result.disposition(attempts: 1, now: now, schedule: schedule, jitter: 0)
    switch expected {
    case .delivered: #expect(first == .delivered && last == .delivered)
    case .retry: #expect(first == .retry(at: now + .seconds(5)) && last == .dead)
    case .dead: #expect(first == .dead)
    }
  }

  enum DispositionKind: Sendable { case delivered, retry, dead }
}
