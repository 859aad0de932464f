// What a template's gaps are, and whether a set of values fills them.

import ChannelProtocol

/// The variables of a template, as its contents and its samples name them.
struct TemplateVariables: Sendable, Hashable {
  /// Those that must be given: what is left out, Twilio fills with the samples, and sends them to real people.
  let required: Set<String>
  /// Those that may be given.
  let known: Set<String>

  init(of record: TemplateRecord) {
    var found: Set<String> = []
    for content in record.types.values { Self.collect(content, into: &found) }
    // Its text is Meta's and may not be shown; the code is always the first variable.
    if record.types["whatsapp/authentication"] != nil { found.insert("1") }
    required = found
    known = found.union(record.variables.keys)
  }

  /// The values that are wrong, by the name of the variable, in order.
  /// - Parameter isWhatsApp: Meta refuses line breaks, tabs and long gaps in a value.
  func problems(_ values: [String: String], isWhatsApp: Bool) -> [(variable: String, message: String)] {
    Set(values.keys).union(required).sorted(by: Self.precedes).compactMap { name in
      problem(name, values[name], isWhatsApp: isWhatsApp).map { (name, $0) }
    }
  }

  private func problem(_ name: String, _ value: String?, isWhatsApp: Bool) -> String? {
    guard let value else { return "is required: the template's sample would be sent in its place" }
    guard known.contains(name) else { return "is no variable of this template" }
    guard !value.allSatisfy(\.isWhitespace) else { return "must not be empty" }
    guard value.unicodeScalars.count <= Self.maximumLength else {
      return "may have \(Self.maximumLength) characters at most"
    }
    guard isWhatsApp else { return nil }
    if value.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\r" || $0 == "\t" }) {
      return "must not contain line breaks or tabs on WhatsApp"
    }
    return value.contains("     ") ? "must not contain more than four spaces in a row on WhatsApp" : nil
  }

  /// Twilio's limits: FACTS section 15.
  private static let maximumLength = 1_600

  /// `2` before `10`, and numbers before names.
  private static func precedes(_ left: String, _ right: String) -> Bool {
    switch (Int(left), Int(right)) {
    case (let left?, let right?): left < right
    case (_?, nil): true
    case (nil, _?): false
    case (nil, nil): left < right
    }
  }

  private static func collect(_ json: JSONValue, into names: inout Set<String>) {
    switch json {
    case .string(let text): names.formUnion(placeholders(in: text))
    case .array(let elements): for element in elements { collect(element, into: &names) }
    case .object(let members): for member in members.values { collect(member, into: &names) }
    case .null, .bool, .integer, .number: break
    }
  }

  /// The names in `{{…}}`: letters, digits and underscores, up to sixteen.
  static func placeholders(in text: String) -> [String] {
    guard text.utf8.contains(UInt8(ascii: "{")) else { return [] }
    return text.matches(of: /\{\{ *([A-Za-z0-9_]{1,16}) *\}\}/).map { String($0.1) }
  }
}
