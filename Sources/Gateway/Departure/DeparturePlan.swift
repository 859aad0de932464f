// Asks what the decision on a message's departure must know; of most messages nothing.

import ChannelProtocol
import Storage

struct DeparturePlan: Sendable {
  let store: any MessageStore
  let now: Timestamp

  /// - Parameter isHeld: it waits for its contact to write.
  func departure(
    of request: SendRequest, on channel: ConfiguredChannel, from sender: Sender, lastInboundAt: Timestamp?, isHeld: Bool
  ) async throws -> Departure {
    var known = DepartureCase(
      now: now, requestedAt: request.scheduledAt, validFor: request.validFor,
      holdFor: isHeld ? channel.policies.holdFor : nil, lastInboundAt: lastInboundAt)
    if let scheduler = channel.adapter as? any MessageScheduling {
      // Its sender asks again a little later: it must still be possible then.
      known.canSchedule = { [now] in
        scheduler.canSchedule(from: sender.address, at: $0, now: now + Self.handOverMargin)
      }
    }
    if let hours = channel.quietHours {
      known.quietHours = hours
      let address = Address(type: channel.type, value: request.to)
      known.zone = hours.zone(
        attribute: hours.timeZone == nil ? try await store.timeZone(of: address) : nil, address: request.to)
      known.isAuthentication = try await isAuthentication(request, on: channel)
    }
    return known.decided()
  }

  /// Between the decision that the provider keeps a message and the call.
  static let handOverMargin: Duration = .seconds(60)

  private func isAuthentication(_ request: SendRequest, on channel: ConfiguredChannel) async throws -> Bool {
    var sid = request.template?.sid
    if case .template(let other, _) = request.content?.kind { sid = sid ?? other }
    guard let sid, let template = try await store.template(sid: sid, account: channel.account.accountSID) else {
      return false
    }
    return template.record.approval.category?.uppercased() == "AUTHENTICATION"
      || template.record.types["whatsapp/authentication"] != nil
  }
}

extension ConfiguredChannel {
  /// Until when a message must wait whose turn has come; nil: it may go, or be handed to a provider that keeps it.
  /// - Parameter quietZone: the time zone whose quiet hours it keeps.
  func postponement(of message: Message, quietZone: String?, now: Timestamp) -> Timestamp? {
    let leaves = max(now, message.scheduledAt ?? now)
    if let quietZone, let end = quietHours?.end(at: leaves, in: quietZone) { return end }
    guard leaves > now else { return nil }
    return isKept(message, until: leaves, now: now + DeparturePlan.handOverMargin / 2) ? nil : leaves
  }

  /// Whether the provider keeps a message until its time.
  func isKept(_ message: Message, until time: Timestamp, now: Timestamp) -> Bool {
    (adapter as? any MessageScheduling)?.canSchedule(from: message.from, at: time, now: now) ?? false
  }
}
