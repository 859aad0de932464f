// Where a list of messages is drawn from, each from its newest on.

import ChannelProtocol

enum MessageSource {
  case all
  /// With a provider's id, which is the parameter.
  case sid(Int)
  /// Of one conversation; the parameter is its id.
  case conversation(Int)
  /// Of one contact; the parameter is its id.
  case contact(Int)
  /// Of a channel's id or type that is not `sms`; the parameter is its name.
  case channel(Int)
  /// In certain stages; the parameter holds them.
  case stages(Int)

  /// Whether it is as small as a conversation.
  var isOrigin: Bool {
    switch self {
    case .sid, .conversation, .contact: true
    case .all, .channel, .stages: false
    }
  }

  /// Whether it is several, each with an order of its own.
  var isSeveral: Bool {
    switch self {
    case .contact, .channel, .stages: true
    case .all, .sid, .conversation: false
    }
  }

  /// A part of a statement's name.
  var name: String {
    switch self {
    case .all: "_newest"
    case .sid: "_of_sid"
    case .conversation: "_of_conversation"
    case .contact: "_of_contact"
    case .channel: "_of_channel"
    case .stages: "_of_stage"
    }
  }

  func sql(_ conditions: [String], _ limit: String) -> String {
    switch self {
    case .all: return Self.newest(conditions, limit)
    case .sid(let sid): return Self.newest(["m.provider_sid = $\(sid)"] + conditions, limit)
    case .conversation(let id): return Self.newest(["m.conversation_id = $\(id)"] + conditions, limit)
    case .contact(let contact):
      return """
        SELECT m.* FROM conversations v CROSS JOIN LATERAL (
          \(Self.newest(["m.conversation_id = v.id"] + conditions, limit))) m
        WHERE v.contact_id = $\(contact)
        """
    case .channel(let name):
      return """
        SELECT * FROM (\(Self.range("channel", "$\(name)", ["m.channel <> m.channel_type"] + conditions, limit))) m
        UNION ALL
        SELECT * FROM (\(Self.range("channel_type", "$\(name)", ["m.channel_type <> 'sms'"] + conditions, limit))) m
        """
    case .stages(let stages):
      return """
        SELECT m.* FROM unnest($\(stages)::int2[]) AS s(stage) CROSS JOIN LATERAL (
          \(Self.range("stage", "s.stage", conditions, limit))) m
        """
    }
  }

  private static func newest(_ conditions: [String], _ limit: String) -> String {
    "SELECT * FROM messages m \(SQL.whole(conditions)) ORDER BY m.id DESC \(limit)"
  }

  /// A range of one, so that only the column's own index gives the order: the planner, who knows nothing of how many
  /// there are, would else walk through all messages.
  private static func range(_ column: String, _ value: String, _ conditions: [String], _ limit: String) -> String {
    """
    SELECT * FROM messages m \(SQL.whole(["m.\(column) >= \(value)", "m.\(column) <= \(value)"] + conditions))
    ORDER BY m.\(column), m.id DESC \(limit)
    """
  }
}

extension DeliveryStatus {
  /// The value of `messages.stage`; nil for what came in.
  var stage: Int16? {
    switch self {
    case .received: nil
    case .queued, .scheduled, .sending: 0
    case .accepted, .sent: 20
    case .delivered, .undelivered, .failed, .canceled, .read: code
    }
  }
}
