// Whether what a provider said can still be found in what an adapter made of it.

import ChannelProtocol
import Foundation

extension AdapterConformance {
  /// The fields that are neither in `raw`, under their name and at whatever depth, nor in the model: sentences.
  func lostFields(of fields: [SampleRequest.Field], in event: InboundEvent) -> [String] {
    guard let raw = JSONValue(event.raw), raw.objectValue != nil else { return ["its raw payload is no JSON object"] }
    let texts = event.texts
    return fields.compactMap { field in
      if raw.holds(field) { return nil }
      if let text = field.value.text, !text.isEmpty, texts.contains(text) { return nil }
      return "the field \(field.name) is neither in the model nor in raw"
    }
  }
}

extension InboundEvent {
  fileprivate var raw: RawPayload {
    switch self {
    case .message(let message): message.raw
    case .status(let update): update.raw
    }
  }

  /// Every text of the model.
  fileprivate var texts: Set<String> {
    var texts: [String?]
    switch self {
    case .message(let message):
      texts = [
        message.accountSID, message.providerSID, message.channelType.rawValue, message.from, message.to, message.body,
        message.profileName, message.replyToProviderSID, message.optOut?.rawValue,
        message.segmentCount.map { String($0) },
      ]
      texts += message.aliases
      for media in message.media { texts += [media.url, media.contentType, media.filename] }
      var writer = JSONWriter()
      message.content.write(to: &writer)
      texts += JSONValue(RawPayload(json: writer.bytes))?.texts ?? []
    case .status(let update):
      texts = [
        update.accountSID, update.providerSID, update.messageID?.description, update.report.providerStatus,
        update.report.errorCode, update.report.errorMessage, update.from, update.segmentCount.map { String($0) },
      ]
    }
    return Set(texts.compactMap { $0 })
  }
}

extension JSONValue {
  init?(_ payload: RawPayload) {
    guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(payload.json)) else { return nil }
    self = value
  }

  /// A member of the field's name with its value, or with a list that has it.
  fileprivate func holds(_ field: SampleRequest.Field) -> Bool {
    switch self {
    case .object(let members):
      if let value = members[field.name], value == field.value || value.arrayValue?.contains(field.value) == true {
        return true
      }
      return members.values.contains { $0.holds(field) }
    case .array(let elements): return elements.contains { $0.holds(field) }
    case .null, .bool, .integer, .number, .string: return false
    }
  }

  /// A single value as the model would hold it.
  fileprivate var text: String? {
    switch self {
    case .string(let text): text
    case .integer(let number): String(number)
    case .number(let number): String(number)
    case .null, .bool, .array, .object: nil
    }
  }

  /// Every text in it.
  var texts: [String] {
    switch self {
    case .array(let elements): elements.flatMap(\.texts)
    case .object(let members): members.values.flatMap(\.texts)
    default: text.map { [$0] } ?? []
    }
  }
}
