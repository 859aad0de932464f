// Nodes tell each other how their channels fare, by the database.

import ChannelProtocol
import Logging
import Storage

struct HealthExchange: Sendable {
  let store: any ChannelHealthStore
  let health: ChannelHealth
  let node: Identifier
  let logger: Logger
  /// A change is told after this long, at most.
  var interval: Duration = .seconds(1)

  func run() async throws {
    while !Task.isCancelled {
      await tell()
      try await Task.sleep(for: interval)
    }
  }

  func tell() async {
    let reports = health.takeUntold()
    guard !reports.isEmpty else { return }
    do {
      try await store.reportChannels(reports, node: node)
    } catch {
      health.putBack(reports)
      logger.debug("the health of channels was not told", metadata: ["error": "\(error)"])
    }
  }

  /// What the other nodes know.
  func others() async throws -> [ChannelReport] { try await store.channelReports(exceptOf: node) }
}
