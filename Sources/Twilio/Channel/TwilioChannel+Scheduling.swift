// Messages that Twilio keeps until their time: those that leave through a Messaging Service.

public import ChannelProtocol

extension TwilioChannel {
  /// Twilio takes what is 15 minutes to 35 days ahead (FACTS sections 19 and 22), and needs a service for it.
  public func canSchedule(from sender: String, at time: Timestamp, now: Timestamp) -> Bool {
    line.messagingServiceSID != nil && time >= now + .seconds(15 * 60) && time <= now + .seconds(35 * 86_400)
  }

  public func cancel(providerSID: String) async throws(SendFailure) -> StatusUpdate {
    do {
      var update = StatusUpdate(try await line.client.cancel(sid: providerSID), now: line.clock.now())
      update.report.source = .provider
      return update
    } catch {
      throw SendFailure(error)
    }
  }
}
