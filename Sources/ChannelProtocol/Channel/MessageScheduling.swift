// The optional power of an adapter whose provider keeps a message until its time.

/// An adapter that can hand a message over before it is due, and take it back.
public protocol MessageScheduling: ChannelAdapter {
  /// Whether the provider would keep a message of this sender's until `time`. What it would not keep, the engine does.
  func canSchedule(from sender: String, at time: Timestamp, now: Timestamp) -> Bool

  /// Takes a message back that the provider keeps. Makes one call.
  /// - Returns: the message as the provider has it then; whether it was in time, its status says.
  /// - Throws: ``SendFailure``: `unknownOutcome` where it may have worked; `rejected` where the provider says that it is
  ///   too late.
  func cancel(providerSID: String) async throws(SendFailure) -> StatusUpdate
}
