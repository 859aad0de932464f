// What every hand of the sending side does alike: take messages, make of them what adapters take, write down the outcome.

import ChannelProtocol
import Logging
import Storage

extension SendingContext {
  func claim(_ work: SendClaim.Work, of senderKey: String, limit: Int) async throws -> [ClaimedSend] {
    let now = clock.now()
    var claim = SendClaim(
      senderKey: senderKey, work: work, limit: limit, lease: clock.makeIdentifier(), leaseUntil: now + claimLease)
    claim.postponement = { [directory] message, quietZone in
      message.channel.flatMap { directory[$0] }?.postponement(of: message, quietZone: quietZone, now: now)
    }
    return try await store.claim(claim, deadline: deadline)
  }

  func outbound(_ entry: ClaimedSend, on channel: ConfiguredChannel) -> OutboundMessage {
    let now = clock.now()
    var message = OutboundMessage(
      id: entry.message.id, from: entry.message.from, to: entry.message.to, channelType: entry.message.channelType,
      body: entry.message.body, content: entry.message.content, mediaURLs: entry.mediaURLs.map(mediaURL),
      template: entry.message.template, validity: entry.validity,
      statusCallback: "\(publicURL)\(channel.path(for: .status) ?? "")?message=\(entry.message.id)")
    if let time = entry.message.scheduledAt, time > now, channel.isKept(entry.message, until: time, now: now) {
      message.sendAt = time
    }
    return message
  }

  /// Tried until it is written or the lease is over; then whoever claims the message next finds out for itself.
  func record(_ entry: ClaimedSend, _ result: SendRecord.Result, channel: ConfiguredChannel? = nil) async {
    let record = SendRecord(
      messageID: entry.message.id, lease: entry.lease, accountSID: channel?.account.accountSID ?? "", result: result,
      at: clock.now())
    let giveUpAt = ContinuousClock.now + claimLease
    var pause = Duration.milliseconds(50)
    while true {
      do {
        // On a task of its own: a cancelled loop must still write down what it did.
        return try await Task { [store, deadline] in try await store.record(record, deadline: deadline) }.value
      } catch {
        guard StorageFailure.isPassing(error), .now < giveUpAt else {
          logger.error(
            "a send could not be written down",
            metadata: ["messageID": "\(entry.message.id)", "error": "\(error)"])
          return
        }
        try? await Task.sleep(for: pause * Double.random(in: 0.8..<1.2))
        pause = min(pause * 2, .seconds(2))
      }
    }
  }
}
