// Interactive content of a Twilio channel: checked, deposited as a template of the Content API, sent by its SID.

public import ChannelProtocol
import Crypto

/// A Twilio channel that carries interactive content.
public protocol TwilioInteractiveChannel: TwilioChannel, InteractiveSending {
  static var interactiveRules: InteractiveRules { get }
}

extension TwilioInteractiveChannel {
  public func interactive(type word: String, data: JSONValue) throws(InteractiveFaults) -> InteractiveContent {
    let rules = Self.interactiveRules
    guard let type = InteractiveType(word: word), rules.types.contains(type) || type == .authentication else {
      let words = rules.types.map(\.rawValue).joined(separator: ", ")
      throw InteractiveFaults([.init(path: "type", message: "must be one of \(words)")])
    }
    guard type != .authentication else {
      throw InteractiveFaults([
        .init(path: "type", message: "is a template that WhatsApp must have approved: send it with contentSid")
      ])
    }
    let faults = InteractiveCheck(rules: rules).faults(of: type, data)
    guard faults.isEmpty else { throw InteractiveFaults(faults) }
    let data = type == .quickReply ? data.withReplyButtons : data
    return InteractiveContent(
      type: type.rawValue, data: data, text: data["body"]?.stringValue ?? data["title"]?.stringValue,
      digest: DepositedContent(type: type, data: data).digest)
  }

  public func deposit(_ content: InteractiveContent) async throws(SendFailure) -> String {
    guard let type = InteractiveType(word: content.type)
    else { throw .unsupportedContent("The channel carries no \(content.type).") }
    do {
      return try await line.client.createContent(DepositedContent(type: type, data: content.data))
    } catch {
      throw SendFailure(repeatable: error)
    }
  }

  /// 21655: no such content in the account.
  public func isDepositGone(_ failure: SendFailure) -> Bool { failure.code == "21655" }
}

extension JSONValue {
  /// The type may be left out of a quick reply's buttons, and is the same content then.
  fileprivate var withReplyButtons: JSONValue {
    guard var members = objectValue, let actions = members["actions"]?.arrayValue else { return self }
    members["actions"] = .array(
      actions.map { action in
        guard var button = action.objectValue else { return action }
        button["type"] = "QUICK_REPLY"
        return .object(button)
      })
    return .object(members)
  }
}

/// A template of ours in the Content API: what it holds names it, so that what is alike has one name.
struct DepositedContent: Sendable, Hashable {
  let type: InteractiveType
  let data: JSONValue
  /// Twilio wants one; content without variables is the same in all of them.
  var language = "en"

  private var body: [String: JSONValue] {
    ["language": .string(language), "types": .object([type.contentType: data])]
  }

  /// SHA-256 of language, type and data in hexadecimal; members in the order of their names.
  var digest: String {
    var writer = JSONWriter()
    writer.value(.object(body))
    return SHA256.hash(data: writer.bytes).map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count < 2 ? "0\(digits)" : digits
    }.joined()
  }

  /// The body of `POST /v1/Content`.
  var json: [UInt8] {
    var writer = JSONWriter()
    writer.value(.object(body.merging(["friendly_name": .string("fractal_\(digest.prefix(32))")]) { $1 }))
    return writer.bytes
  }
}
