// Keeps our copy of the providers' templates: at the start, from time to time, and when somebody asks.

import ChannelProtocol
import Logging
import Storage

/// Fetches each account's catalog and puts it in the place of the old one. One node at a time does so for an account;
/// a failure leaves the old catalog as it is, and is kept beside the time of the last success.
struct TemplateSync: Sendable {
  /// An account, and how its templates are fetched.
  struct Catalog: Sendable {
    let accountSID: String
    let fetch: @Sendable () async throws(SendFailure) -> [TemplateRecord]
  }

  let store: any MessageStore
  let catalogs: [Catalog]
  let clock: any WallClock
  let logger: Logger
  var interval: Duration = .seconds(15 * 60)
  /// How long a fetch may take in all; a node that died in one holds the others up for so long.
  var lease: Duration = .seconds(3 * 60)
  /// Those that channels fall back to: looked at after each sync, before anybody needs one.
  var fallbacks: [FallbackTemplate] = []

  /// At the start whatever the other nodes did, then each when nobody has tried for most of the interval. Ends with
  /// its task; what fails is logged.
  func run() async throws {
    await forgetOtherAccounts()
    guard !catalogs.isEmpty else { return try await Self.untilCancelled() }
    var notTriedSince: Timestamp?
    while !Task.isCancelled {
      var isBusy = false
      for catalog in catalogs where await !attempt(catalog, notTriedSince: notTriedSince) { isBusy = true }
      // Whoever is at it may have died in it: look again when that would be over.
      try await Task.sleep(for: (isBusy ? min(lease, interval) : interval) * Double.random(in: 0.9..<1.1))
      if !isBusy { notTriedSince = clock.now() - interval * 0.8 }
    }
  }

  /// Syncs every account now.
  /// - Throws: ``TemplateSyncFailure`` with the first thing that went wrong, after every account had its turn.
  func syncNow() async throws -> (counts: TemplateSyncCounts, at: Timestamp) {
    var counts = TemplateSyncCounts()
    var at: Timestamp?
    var failure: TemplateSyncFailure?
    for catalog in catalogs {
      do {
        guard let synced = try await sync(catalog, notTriedSince: nil, patience: .seconds(20)) else { continue }
        counts += synced.counts
        at = synced.at
      } catch let error as TemplateSyncFailure {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return (counts, at ?? clock.now())
  }

  /// - Returns: false where another node is at it.
  private func attempt(_ catalog: Catalog, notTriedSince: Timestamp?) async -> Bool {
    do {
      guard let synced = try await sync(catalog, notTriedSince: notTriedSince, patience: .zero) else { return true }
      logger.debug(
        "templates synced", metadata: ["account": "\(catalog.accountSID)", "templates": "\(synced.counts.total)"])
    } catch TemplateSyncFailure.busy {
      return false
    } catch {
      // A stop is no failure.
      guard !Task.isCancelled else { return true }
      logger.warning(
        "templates not synced", metadata: ["account": "\(catalog.accountSID)", "error": "\(error)"])
    }
    return true
  }

  /// - Parameter patience: how long to wait for another node that is at it.
  /// - Returns: nil where there was no need.
  private func sync(
    _ catalog: Catalog, notTriedSince: Timestamp?, patience: Duration
  ) async throws -> (counts: TemplateSyncCounts, at: Timestamp)? {
    guard let held = try await take(catalog, notTriedSince: notTriedSince, patience: patience) else {
      if notTriedSince != nil { return nil }
      throw TemplateSyncFailure.busy
    }
    let records: [TemplateRecord]
    do throws(SendFailure) {
      records = try await catalog.fetch()
    } catch {
      try await store.failTemplateSync(held, error: "\(error.code): \(error.message)")
      throw TemplateSyncFailure.provider(error)
    }
    do {
      let now = clock.now()
      guard let counts = try await store.finishTemplateSync(held, with: records, at: now)
      else { throw TemplateSyncFailure.busy }
      checkFallbacks(of: catalog, among: records)
      return (counts, now)
    } catch {
      try? await store.failTemplateSync(held, error: "The templates could not be stored.")
      throw error
    }
  }

  private func checkFallbacks(of catalog: Catalog, among records: [TemplateRecord]) {
    for fallback in fallbacks where fallback.accountSID == catalog.accountSID {
      guard let problem = fallback.problem(among: records) else { continue }
      logger.warning(
        "texts outside the window will be refused",
        metadata: ["channel": "\(fallback.channelID)", "problem": "\(problem)"])
    }
  }

  private func take(
    _ catalog: Catalog, notTriedSince: Timestamp?, patience: Duration
  ) async throws -> TemplateSyncLease? {
    let deadline = ContinuousClock.now + patience
    while true {
      let held = try await store.beginTemplateSync(
        account: catalog.accountSID, notTriedSince: notTriedSince, at: clock.now(), lease: lease)
      if held != nil || ContinuousClock.now >= deadline { return held }
      try await Task.sleep(for: .milliseconds(200) * Double.random(in: 0.5..<1.5))
    }
  }

  /// What an account left behind that is no longer in the configuration.
  private func forgetOtherAccounts() async {
    do {
      try await store.forgetTemplates(exceptOf: catalogs.map(\.accountSID))
    } catch {
      logger.warning("old templates not removed", metadata: ["error": "\(error)"])
    }
  }

  private static func untilCancelled() async throws {
    while true { try await Task.sleep(for: .seconds(3_600)) }
  }
}

/// Why templates were not synced.
enum TemplateSyncFailure: Error, Sendable, CustomStringConvertible {
  /// Another node is at it.
  case busy
  case provider(SendFailure)

  var description: String {
    switch self {
    case .busy: "another sync is under way"
    case .provider(let failure): failure.description
    }
  }
}

extension ChannelDirectory {
  /// One catalog to an account: its channels share it.
  var templateCatalogs: [TemplateSync.Catalog] {
    var catalogs: [String: TemplateSync.Catalog] = [:]
    for channel in channels where channel.capabilities.templates {
      let account = channel.account.accountSID
      guard catalogs[account] == nil, let adapter = channel.adapter as? any TemplateCatalog else { continue }
      catalogs[account] = TemplateSync.Catalog(accountSID: account) { () async throws(SendFailure) in
        try await adapter.templates()
      }
    }
    return catalogs.values.sorted { $0.accountSID < $1.accountSID }
  }
}
