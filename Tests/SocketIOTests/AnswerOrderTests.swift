// Answers in the order of their requests, as transcripts.

import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Testing

@testable import SocketIO

@Suite struct AnswerOrderTests {
  static func head(_ path: String) -> HTTPRequestPart {
    .head(HTTPRequest(method: .get, scheme: nil, authority: nil, path: path))
  }
  static let end = HTTPResponsePart.end(nil)

  private static func arrive(_ order: inout AnswerOrder, _ parts: HTTPRequestPart...) -> [AnswerOrder.Arrival] {
    parts.map { order.arrived($0, isOurs: { $0.path == "/ours" }) }
  }

  @Test("a request of the server's passes, one of ours is taken, and what comes behind ours is held")
  func holds() {
    var order = AnswerOrder()
    #expect(Self.arrive(&order, Self.head("/other"), .end(nil)) == [.pass, .pass])
    #expect(Self.arrive(&order, Self.head("/ours"), .end(nil)) == [.take, .take])
    // The server has not answered: ours waits.
    let isOursNext = order.finishedReading()
    #expect(!isOursNext)
    #expect(Self.arrive(&order, Self.head("/other"), .end(nil)) == [.held, .held])
    let isOurTurn = order.serverWrote(Self.end)
    #expect(isOurTurn)
    #expect(order.isAnswering)
    let goesOn = order.answered()
    #expect(goesOn)
    var passed = 0
    while let part = order.nextHeld() { if Self.arrive(&order, part) == [.pass] { passed += 1 } }
    #expect(passed == 2)
  }

  @Test("two requests ahead of ours are both answered first")
  func waitsForAll() {
    var order = AnswerOrder()
    _ = Self.arrive(&order, Self.head("/a"), .end(nil), Self.head("/b"), .end(nil), Self.head("/ours"), .end(nil))
    let isFirst = order.finishedReading()
    let afterOne = order.serverWrote(Self.end)
    let afterTwo = order.serverWrote(Self.end)
    #expect([isFirst, afterOne, afterTwo] == [false, false, true])
  }

  @Test("one read ahead is granted, then reading stops until the answer is out")
  func readsAhead() {
    var order = AnswerOrder()
    _ = Self.arrive(&order, Self.head("/ours"), .end(nil))
    let isNow = order.finishedReading()
    #expect(isNow)
    let first = order.mayRead()
    _ = Self.arrive(&order, Self.head("/other"))
    let second = order.mayRead()
    #expect([first, second] == [true, false])
    let goesOn = order.answered()
    #expect(goesOn)
    while order.nextHeld() != nil {}
    let owed = order.settle().map { "\($0)" }
    #expect(owed == ["readComplete", "read"])
  }

  @Test("the end of input, a shutdown and an error do not overtake an answer")
  func keepsBack() {
    struct Failure: Error {}
    var order = AnswerOrder()
    _ = Self.arrive(&order, Self.head("/ours"), .end(nil))
    _ = order.finishedReading()
    let passed = [order.mayCloseInput(), order.mayQuiesce(), order.mayThrow(Failure())]
    #expect(passed == [false, false, false])
    let goesOn = order.answered()
    #expect(goesOn)
    #expect(order.settle().count == 3)
    let afterwards = [order.mayCloseInput(), order.mayQuiesce(), order.mayThrow(Failure())]
    #expect(afterwards == [true, true, true])
  }

  @Test("a thousand requests of ours that were held are answered by one loop, not by a recursion")
  func isNoRecursion() {
    var order = AnswerOrder()
    _ = Self.arrive(&order, Self.head("/ours"), .end(nil))
    _ = order.finishedReading()
    for _ in 0..<1_000 { _ = Self.arrive(&order, Self.head("/ours"), .end(nil)) }
    let isEnded = order.answered()
    #expect(isEnded)
    var answers = 0
    while let part = order.nextHeld() {
      _ = Self.arrive(&order, part)
      if case .end = part, order.finishedReading() {
        answers += 1
        let goesOn = order.answered()
        #expect(!goesOn)
      }
    }
    #expect(answers == 1_000)
  }

  @Test("after the end nothing is taken any more")
  func ends() {
    var order = AnswerOrder()
    _ = Self.arrive(&order, Self.head("/ours"), .end(nil))
    _ = order.finishedReading()
    let quiesces = order.mayQuiesce()
    #expect(!quiesces)
    let owed = order.end().map { "\($0)" }
    #expect(owed == ["quiesce"])
    #expect(Self.arrive(&order, Self.head("/other"), Self.head("/ours")) == [.drop, .drop])
  }
}
