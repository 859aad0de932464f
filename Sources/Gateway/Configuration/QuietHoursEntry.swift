// `quietHours` of a channel's entry, and the rules that its keys keep among themselves.

import ChannelProtocol

extension QuietHours {
  static let key = ConfigurationKey(
    "quietHours",
    .object([
      ConfigurationKey("from", .string, required: true, "When they begin, such as `21:00`."),
      ConfigurationKey("to", .string, required: true, "When they end, such as `08:00`."),
      ConfigurationKey(
        "timeZone", .string, "`contact` (the default) for each contact's own, or a name such as Europe/Berlin."),
      ConfigurationKey("fallback", .string, "The time zone of contacts whose own is not known."),
      ConfigurationKey("repliesPass", .boolean, "Answers go out all the same; true if left out."),
      ConfigurationKey(
        "repliesWithin", .duration, "How long after a contact's message one is an answer; 30m if left out."),
    ]), "The hours in which the channel sends nothing: what falls into them waits until they end.")

  /// Reads a checked value; nil where a problem is reported.
  init?(_ value: ConfigurationValue, validator: inout ConfigurationValidator) {
    guard let begin = Self.minute("from", value, &validator), let end = Self.minute("to", value, &validator) else {
      return nil
    }
    guard begin != end else {
      validator.report("quietHours must not end when they begin", at: value["to"]?.position ?? value.position)
      return nil
    }
    let zone = Self.zone("timeZone", value, allowsContact: true, &validator)
    let fallback = Self.zone("fallback", value, allowsContact: false, &validator)
    let isContacts = value["timeZone"] == nil || zone == "contact"
    if isContacts, value["fallback"] == nil {
      validator.report(
        "quietHours in the contact's time zone need a `fallback` for contacts whose own is not known",
        at: value["timeZone"]?.position ?? value.position)
    }
    if !isContacts, let member = value.member("fallback") {
      validator.report("fallback has no effect beside a timeZone of the channel's", at: member.keyPosition)
    }
    self.init(
      from: begin, to: end, timeZone: isContacts ? nil : zone, fallback: fallback ?? "UTC",
      repliesPass: value["repliesPass"]?.boolean ?? true,
      repliesWithin: .seconds(value["repliesWithin"]?.number ?? 30 * 60))
  }

  /// `HH:MM` as minutes of the day.
  private static func minute(
    _ name: String, _ value: ConfigurationValue, _ validator: inout ConfigurationValidator
  ) -> Int? {
    guard let written = value[name], let text = written.string else { return nil }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let isPlain = parts.count == 2 && parts.allSatisfy { $0.utf8.count == 2 && $0.allSatisfy(\.isNumber) }
    guard isPlain, let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60 else {
      let shown = ConfigurationValidator.printable(text)
      validator.report("\(name) must be a time of day such as \"21:00\", not \"\(shown)\"", at: written.position)
      return nil
    }
    return hour * 60 + minute
  }

  private static func zone(
    _ name: String, _ value: ConfigurationValue, allowsContact: Bool, _ validator: inout ConfigurationValidator
  ) -> String? {
    guard let written = value[name], let text = written.string else { return nil }
    guard isZone(text) || (allowsContact && text == "contact") else {
      let wanted = allowsContact ? "`contact` or a time zone" : "a time zone"
      let shown = ConfigurationValidator.printable(text)
      validator.report("\(name) must be \(wanted) such as Europe/Berlin, not \"\(shown)\"", at: written.position)
      return nil
    }
    return text
  }
}
