// The decisions about failed batches, and the delays between attempts, as tables.

import Testing

@testable import Postgres

@Suite("Batch recovery")
struct BatchRecoveryTests {
  private func server(_ state: SQLState) -> PostgresError { PostgresError(.server(sqlState: state), "x") }

  @Test(
    "data errors split a batch and fail a single row",
    arguments: [
      "22021", "22P05", "23502", "23503", "23514", "21000", "54000", "P0001",
    ] as [SQLState])
  func dataErrors(state: SQLState) {
    var recovery = BatchRecovery()
    #expect(recovery.decide(server(state), itemCount: 2) == .split)
    #expect(recovery.decide(server(state), itemCount: 1) == .fail)
  }

  @Test("a duplicate key is looked at once more before the batch is split")
  func uniqueViolation() {
    var recovery = BatchRecovery()
    #expect(recovery.decide(server(.uniqueViolation), itemCount: 5) == .retryNow)
    #expect(recovery.decide(server(.uniqueViolation), itemCount: 5) == .split)
    #expect(recovery.decide(server(.uniqueViolation), itemCount: 1) == .fail)
  }

  @Test(
    "lost races and short supplies are tried again, and not for ever",
    arguments: [
      "40001", "40P01", "55P03", "53300", "57P03", "57014",
    ] as [SQLState])
  func bounded(state: SQLState) {
    var recovery = BatchRecovery()
    var retries = 0
    while recovery.decide(server(state), itemCount: 5) == .retryAfterBackoff { retries += 1 }
    #expect((1...10).contains(retries))
  }

  @Test("a lost connection is made anew; mistakes are not repeated")
  func others() {
    var recovery = BatchRecovery()
    #expect(recovery.decide(PostgresError(.connectionLost, ""), itemCount: 5) == .reconnect)
    #expect(recovery.decide(PostgresError(.unavailable, ""), itemCount: 5) == .reconnect)
    #expect(recovery.decide(PostgresError(.invalidValue, ""), itemCount: 5) == .split)
    #expect(recovery.decide(PostgresError(.unexpectedResult, ""), itemCount: 5) == .fail)
    #expect(recovery.decide(server("42601"), itemCount: 5) == .fail)
    #expect(recovery.decide(CancellationError(), itemCount: 5) == .fail)
  }

  @Test("delays double up to the cap and never leave their window")
  func backoff() {
    var backoff = Backoff(base: .milliseconds(10), cap: .milliseconds(100))
    for window in [10, 20, 40, 80, 100, 100] {
      let delay = backoff.next()
      #expect(delay >= .milliseconds(window / 2) && delay <= .milliseconds(window))
    }
    backoff.reset()
    #expect(backoff.next() <= .milliseconds(10))
  }
}
