// Brings what the journal kept into the database when it is back.

import ChannelProtocol
import HTTPTypes
import Logging

/// Drains the journal, oldest first, whenever something is in it and the database answers.
struct JournalDrain: Sendable {
  let journal: Journal
  let webhooks: ProviderWebhooks
  let interval: Duration
  let logger: Logger

  init(journal: Journal, webhooks: ProviderWebhooks, interval: Duration = .milliseconds(500), logger: Logger) {
    self.journal = journal
    self.webhooks = webhooks
    self.interval = interval
    self.logger = logger
  }

  func run() async throws {
    while !Task.isCancelled {
      if !journal.isEmpty {
        do {
          try await journal.drain { try await take($0) }
          logger.info("the journal is drained")
        } catch {
          logger.debug("the journal waits for the database", metadata: ["error": "\(error)"])
        }
      }
      try await Task.sleep(for: interval)
    }
  }

  /// What would have been refused then never came here: tokens and URLs may have changed since. What fails for good now is
  /// said and let go, so that one entry cannot hold up all that follow it.
  private func take(_ entry: JournalEntry) async throws {
    var headers = HTTPFields()
    for (name, value) in entry.headers {
      if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
    }
    let read = webhooks.read(
      method: HTTPRequest.Method(entry.method) ?? .post, target: entry.target, headers: headers, body: entry.body,
      receivedAt: entry.receivedAt, isVerified: true)
    switch read {
    case .success(let work):
      for item in work {
        do {
          try await webhooks.store(item)
        } catch  where !ProviderWebhooks.isPassing(error) {
          logger.critical("a request from the journal cannot be stored", metadata: ["error": "\(error)"])
        }
      }
    case .failure(let rejection):
      logger.critical("a request from the journal is refused now", metadata: ["reason": "\(rejection)"])
    }
  }
}
