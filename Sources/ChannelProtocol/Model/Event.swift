// What happened, numbered: the one log that every consumer follows.

/// The type of an event; open, because a reader must live with types it does not know.
public struct EventType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }

  public static let messageNew = Self(rawValue: "message.new")
  public static let messageQueued = Self(rawValue: "message.queued")
  public static let messageStatus = Self(rawValue: "message.status")
  public static let messageRead = Self(rawValue: "message.read")
  public static let messageMedia = Self(rawValue: "message.media")
  /// What a message cost became known, or another sum, after its status: the provider tells it later.
  public static let messagePrice = Self(rawValue: "message.price")
  public static let conversationUpdated = Self(rawValue: "conversation.updated")
  public static let contactUpdated = Self(rawValue: "contact.updated")
  /// A contact is no more; its data is `{id, mergedInto}`.
  public static let contactDeleted = Self(rawValue: "contact.deleted")
  public static let optOutChanged = Self(rawValue: "optout.changed")
  public static let webhookDisabled = Self(rawValue: "webhook.disabled")

  /// Every type the gateway makes.
  public static let all: [EventType] = [
    .messageNew, .messageQueued, .messageStatus, .messageRead, .messageMedia, .messagePrice, .conversationUpdated,
    .contactUpdated, .contactDeleted, .optOutChanged, .webhookDisabled,
  ]

  public var description: String { rawValue }
}

/// A committed event. `data` is the resource after the change, as one JSON object; for `message.status` and
/// `message.read` it holds `previousStatus` besides.
public struct Event: Sendable, Hashable {
  /// Rises strictly with the log; numbers may be skipped, but nothing ever appears below one that was seen.
  public var seq: Int64
  public var id: Identifier
  public var type: EventType
  public var at: Timestamp
  public var conversationID: Identifier?
  /// The configured channel the event is about, for filters; nil where there is none.
  public var channel: String?
  /// UTF-8 JSON, one object.
  public var data: [UInt8]

  public init(
    seq: Int64, id: Identifier, type: EventType, at: Timestamp, conversationID: Identifier?, channel: String?,
    data: [UInt8]
  ) {
    self.seq = seq
    self.id = id
    self.type = type
    self.at = at
    self.conversationID = conversationID
    self.channel = channel
    self.data = data
  }

  /// Writes `{seq, id, type, at, conversationId, data}`.
  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("seq")
      writer.value(seq)
      writer.member("id", id)
      writer.member("type", type.rawValue)
      writer.member("at", at)
      writer.member("conversationId", conversationID)
      writer.key("data")
      writer.raw(data)
    }
  }
}

/// An event about to be written: what ``Event`` has, less the number.
public struct NewEvent: Sendable, Hashable {
  public var id: Identifier
  public var type: EventType
  public var at: Timestamp
  public var conversationID: Identifier?
  public var channel: String?
  public var data: [UInt8]

  public init(
    id: Identifier, type: EventType, at: Timestamp, conversationID: Identifier?, channel: String?, data: [UInt8]
  ) {
    self.id = id
    self.type = type
    self.at = at
    self.conversationID = conversationID
    self.channel = channel
    self.data = data
  }
}

/// A place in the log. The epoch changes when a database is restored; a position of another epoch means nothing.
public struct LogPosition: Sendable, Hashable {
  public var epoch: Identifier
  public var seq: Int64

  public init(epoch: Identifier, seq: Int64) {
    self.epoch = epoch
    self.seq = seq
  }
}
