// Makes the messages of bulks, a little ahead of the senders, so that a pause holds and answers are not held up.

import ChannelProtocol
import Logging
import Storage

/// One for each node; a bulk is worked on by one node at a time, under a lease.
struct BulkRunner: Sendable {
  let store: any MessageStore
  let intake: MessageIntake
  let node: Identifier
  let logger: Logger
  /// How much of a sender's time lies in the outbox at most.
  var runway: Duration = .seconds(10)
  var lease: Duration = .seconds(20)
  /// Between two looks; with nothing to do, and with something.
  var idle: Duration = .milliseconds(500)
  var busy: Duration = .milliseconds(100)

  /// Bulks that a node works on at once, and messages it makes of one before it looks at the next.
  private static let atOnce = 8
  private static let chunk = 256

  func run() async throws {
    while !Task.isCancelled {
      var pause = idle
      do {
        if try await work() { pause = busy }
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        logger.warning("bulks wait for the database", metadata: ["error": "\(error)"])
      }
      try await Task.sleep(for: pause * Double.random(in: 0.8..<1.2))
    }
  }

  /// Gives bulks back, so that another node need not wait for the leases to run out.
  func release() async { try? await store.releaseBulks(node: node) }

  /// - Returns: whether there is more to do soon.
  func work() async throws -> Bool {
    let bulks = try await store.takeBulks(node: node, lease: lease, limit: Self.atOnce)
    for bulk in bulks {
      switch bulk.state {
      case .running: try await advance(bulk)
      case .paused:
        try await store.freezeBulk(bulk.id)
        try await store.settleBulk(bulk)
      case .canceled: try await cancel(bulk)
      }
    }
    return !bulks.isEmpty
  }

  private func cancel(_ bulk: BulkWork) async throws {
    for id in try await store.unsentMessages(ofBulk: bulk.id) {
      _ = try await store.cancel(id, deadline: intake.deadline)
    }
    try await store.settleBulk(bulk)
  }

  private func advance(_ bulk: BulkWork) async throws {
    let room = try await room(for: bulk)
    guard room > 0 else { return }
    let recipients = try await store.waitingRecipients(ofBulk: bulk.id, limit: min(room, Self.chunk))
    guard !recipients.isEmpty else { return try await store.settleBulk(bulk) }
    var queued: [Int] = []
    var refused: [BulkRefusal] = []
    var failure: (any Error)?
    await withTaskGroup(of: (Int, Result<Void, any Error>).self) { group in
      for recipient in recipients {
        group.addTask { (recipient.index, await queue(recipient, of: bulk)) }
      }
      for await (index, result) in group {
        do {
          try result.get()
          queued.append(index)
        } catch let problem as Problem {
          refused.append(BulkRefusal(index: index, code: problem.code, message: problem.detail))
        } catch {
          failure = error
        }
      }
    }
    try await store.noteRecipients(ofBulk: bulk.id, queued: queued, refused: refused)
    // The others are tried again; their messages' ids stay, so none is made twice.
    if let failure { throw failure }
  }

  private func queue(_ recipient: BulkRecipient, of bulk: BulkWork) async -> Result<Void, any Error> {
    do {
      let record = try await intake.record(
        of: SendRequest(recipient, of: bulk), id: recipient.messageID)
      _ = try await intake.store.queue(record, deadline: intake.deadline)
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  /// How many messages may be made now.
  private func room(for bulk: BulkWork) async throws -> Int {
    // One that is no longer configured refuses its recipients, all of them at once.
    guard let channel = intake.directory[bulk.channel] else { return Self.chunk }
    let limit = max(20, Int(channel.messagesPerSecond * runway.inSeconds))
    let keys = channel.senders.map(channel.senderKey)
    return limit - (try await store.waitingSends(keys, priority: SendPriority.bulk, limit: limit))
  }
}

extension ConfiguredChannel {
  /// Of all its senders together.
  var messagesPerSecond: Double { senders.reduce(0) { $0 + $1.messagesPerSecond } }
}

extension SendRequest {
  /// A recipient's message, from what was fixed when the bulk was accepted.
  fileprivate init(_ recipient: BulkRecipient, of bulk: BulkWork) {
    to = recipient.address
    impliedType = nil
    channel = bulk.channel
    body = recipient.body
    media = []
    content = nil
    template = bulk.templateSID.map { TemplateReference(sid: $0, variables: recipient.variables) }
    scheduledAt = nil
    validFor = nil
    replyTo = nil
    metadata = recipient.metadata
    resendOf = recipient.resendOf
    priority = SendPriority.bulk
  }
}
