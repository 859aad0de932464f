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
  /// Of a channel's id or type, through the conversations of the type; the parameter is its name. All of them: each
  /// conversation is read as far as the limit.
  case conversations(Int)
  /// In certain stages; the parameter holds them.
  case stages(Int)

  /// Whether it is as small as a conversation.
  var isOrigin: Bool {
    switch self {
    case .sid, .conversation, .contact: true
    case .all, .channel, .conversations, .stages: false
    }
  }

  /// Whether it is several, each with an order of its own.
  var isSeveral: Bool {
    switch self {
    case .channel, .conversations, .stages: true
    case .all, .sid, .conversation, .contact: false
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
    case .conversations: "_of_conversations"
    case .stages: "_of_stage"
    }
  }

  /// - Parameters:
  ///   - columns: of `messages`. What is looked at and mostly thrown away is read no wider than it is looked at.
  ///   - conditions: on a row of `messages`, `m`.
  func sql(_ columns: String, _ conditions: [String], _ limit: String) -> String {
    switch self {
    case .all: return Self.newest(columns, conditions, limit)
    case .sid(let sid): return Self.newest(columns, ["m.provider_sid = $\(sid)"] + conditions, limit)
    case .conversation(let id): return Self.newest(columns, ["m.conversation_id = $\(id)"] + conditions, limit)
    case .contact(let contact): return Self.merged("$\(contact)", columns, conditions, limit)
    case .channel(let name):
      let ofID = ["m.channel <> m.channel_type"] + conditions
      let ofType = ["m.channel_type <> 'sms'"] + conditions
      return """
        SELECT * FROM (\(Self.range("channel", "$\(name)", columns, ofID, limit))) m
        UNION ALL SELECT * FROM (\(Self.range("channel_type", "$\(name)", columns, ofType, limit))) m
        """
    case .conversations(let name):
      return """
        SELECT m.* FROM conversations v CROSS JOIN LATERAL (
          \(Self.newest(columns, ["m.conversation_id = v.id", "m.channel_type = $\(name)"] + conditions, limit))) m
        WHERE v.channel_type = $\(name)
        UNION ALL \(Self.channel(name).sql(columns, conditions, limit))
        """
    case .stages(let stages):
      return """
        SELECT m.* FROM unnest($\(stages)::int2[]) AS s(stage) CROSS JOIN LATERAL (
          \(Self.range("stage", "s.stage", columns, conditions, limit))) m
        """
    }
  }

  /// How many there are of a conversation, or a contact; not more than the limit.
  func count(limit: String) -> String? {
    switch self {
    case .conversation(let id):
      "SELECT count(*) FROM (SELECT FROM messages m WHERE m.conversation_id = $\(id) LIMIT \(limit)) r"
    case .contact(let contact):
      """
      SELECT count(*) FROM (
        SELECT FROM conversations v CROSS JOIN LATERAL (
          SELECT FROM messages m WHERE m.conversation_id = v.id LIMIT \(limit)) m
        WHERE v.contact_id = $\(contact) LIMIT \(limit)) r
      """
    case .all, .sid, .channel, .conversations, .stages: nil
    }
  }

  /// A condition on `m` for what is of a conversation, or a contact, that an index answers beside another; and whether it
  /// says all. Ranges of one: of a single value the planner believes that it has a few rows, and would look at each of them.
  var ofOrigin: (condition: String, isWhole: String)? {
    switch self {
    case .conversation(let id): (Self.range("conversation_id", "$\(id)").joined(separator: " AND "), "true")
    case .contact(let contact):
      (
        "("
          + Self.conversations(of: "$\(contact)").map { id in
            "(\(Self.range("conversation_id", id).joined(separator: " AND ")))"
          }.joined(separator: " OR ") + ")",
        """
        (SELECT count(*) <= \(Self.merging) FROM (
          SELECT FROM conversations v WHERE v.contact_id = $\(contact) LIMIT \(Self.merging + 1)) v)
        """
      )
    case .all, .sid, .channel, .conversations, .stages: nil
    }
  }

  /// How many conversations of a contact are merged.
  private static let merging = 4

  /// The ids of a contact's first ones; null where it has fewer.
  private static func conversations(of contact: String) -> [String] {
    (1...merging).map { "(ARRAY(\(conversationIDs(of: contact)) LIMIT \(merging)))[\($0)]" }
  }

  private static func conversationIDs(of contact: String) -> String {
    "SELECT v.id FROM conversations v WHERE v.contact_id = \(contact) ORDER BY v.id"
  }

  private static func newest(_ columns: String, _ conditions: [String], _ limit: String) -> String {
    "SELECT \(columns) FROM messages m \(SQL.whole(conditions)) ORDER BY m.id DESC \(limit)"
  }

  /// A contact has few conversations, each with its messages in order: those of the first four are merged, and read no
  /// further than is needed; those of any others are sorted.
  private static func merged(_ contact: String, _ columns: String, _ conditions: [String], _ limit: String) -> String {
    let first = conversations(of: contact).map { id in
      "SELECT * FROM (\(newest(columns, ["m.conversation_id = \(id)"] + conditions, limit))) m"
    }
    let others = """
      SELECT * FROM (
        SELECT m.* FROM (\(conversationIDs(of: contact)) OFFSET \(merging)) v CROSS JOIN LATERAL (
          \(newest(columns, ["m.conversation_id = v.id"] + conditions, limit))) m
        ORDER BY m.id DESC \(limit)) m
      """
    return "SELECT * FROM (\((first + [others]).joined(separator: " UNION ALL "))) m ORDER BY m.id DESC \(limit)"
  }

  /// A range of one, so that only the column's own index gives the order: the planner, who knows nothing of how many
  /// there are, would else walk through all messages.
  private static func range(
    _ column: String, _ value: String, _ columns: String, _ conditions: [String], _ limit: String
  ) -> String {
    """
    SELECT \(columns) FROM messages m
    \(SQL.whole(range(column, value) + conditions))
    ORDER BY m.\(column), m.id DESC \(limit)
    """
  }

  private static func range(_ column: String, _ value: String) -> [String] {
    ["m.\(column) >= \(value)", "m.\(column) <= \(value)"]
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
