// Chaos as JSON: what `GET` and `POST /sandbox/chaos` speak.

extension Chaos {
  var json: JSONValue {
    .object([
      "dropCallbacks": .double(dropCallbacks), "duplicateCallbacks": .double(duplicateCallbacks),
      "delayCallbacks": .double(delayCallbacks),
      "callbackDelayMilliseconds": .integer(Int(callbackDelay.microseconds / 1000)),
      "reorderCallbacks": .double(reorderCallbacks), "changeFacts": .double(changeFacts),
      "mediaLifetimeMilliseconds": mediaLifetime.map { .integer(Int($0.microseconds / 1000)) } ?? .null,
      "failSends": failSends.map {
        .object(["count": .integer($0.count), "status": .integer($0.status), "accepted": .bool($0.accepted)])
      } ?? .null,
      "hangSends": hangSends.map {
        .object(["count": .integer($0.count), "milliseconds": .integer(Int($0.duration.microseconds / 1000))])
      } ?? .null,
      "failContent": failContent.map { .object(["count": .integer($0.count), "status": .integer($0.status)]) } ?? .null,
      "failMedia": failMedia.map { .object(["count": .integer($0.count), "status": .integer($0.status)]) } ?? .null,
      "stallMedia": stallMedia.map {
        .object([
          "count": .integer($0.count), "bytes": .integer($0.bytes),
          "milliseconds": .integer(Int($0.duration.microseconds / 1000)),
        ])
      } ?? .null,
    ])
  }

  /// Reads the JSON form; what is left out is off.
  ///
  /// - Throws: `ControlError` for unknown names and values outside their range.
  init(json: JSONValue) throws(ControlError) {
    self.init()
    guard let members = json.members else { throw ControlError("an object is expected") }
    for member in members {
      switch member.name {
      case "dropCallbacks": dropCallbacks = try Self.share(member)
      case "duplicateCallbacks": duplicateCallbacks = try Self.share(member)
      case "delayCallbacks": delayCallbacks = try Self.share(member)
      case "reorderCallbacks": reorderCallbacks = try Self.share(member)
      case "changeFacts": changeFacts = try Self.share(member)
      case "stallMedia" where member.value == .null: stallMedia = nil
      case "stallMedia": stallMedia = try Self.stall(member.value)
      case "mediaLifetimeMilliseconds" where member.value == .null: mediaLifetime = nil
      case "mediaLifetimeMilliseconds": mediaLifetime = .milliseconds(try Self.count(member, atMost: 86_400_000))
      case "callbackDelayMilliseconds": callbackDelay = .milliseconds(try Self.count(member, atMost: 600_000))
      case "failSends" where member.value == .null: failSends = nil
      case "failSends":
        let status = try Self.count(.init(name: "failSends.status", value: member.value["status"] ?? .integer(500)))
        guard (400...599).contains(status) else { throw ControlError("failSends.status is an HTTP status from 400 on") }
        failSends = FailingSends(
          count: try Self.count(.init(name: "failSends.count", value: member.value["count"] ?? .null)), status: status,
          accepted: member.value["accepted"] == .bool(true))
      case "hangSends" where member.value == .null: hangSends = nil
      case "hangSends":
        let milliseconds = member.value["milliseconds"] ?? .integer(20_000)
        hangSends = HangingSends(
          count: try Self.count(.init(name: "hangSends.count", value: member.value["count"] ?? .null)),
          duration: .milliseconds(
            try Self.count(.init(name: "hangSends.milliseconds", value: milliseconds), atMost: 600_000)))
      case "failMedia" where member.value == .null: failMedia = nil
      case "failMedia":
        let status = try Self.count(.init(name: "failMedia.status", value: member.value["status"] ?? .integer(404)))
        guard (400...599).contains(status) else { throw ControlError("failMedia.status is an HTTP status from 400 on") }
        failMedia = FailingMedia(
          count: try Self.count(.init(name: "failMedia.count", value: member.value["count"] ?? .null)), status: status)
      case "failContent" where member.value == .null: failContent = nil
      case "failContent":
        let status = try Self.count(.init(name: "failContent.status", value: member.value["status"] ?? .integer(500)))
        guard (400...599).contains(status) else {
          throw ControlError("failContent.status is an HTTP status from 400 on")
        }
        failContent = FailingCalls(
          count: try Self.count(.init(name: "failContent.count", value: member.value["count"] ?? .null)), status: status
        )
      default:
        throw ControlError(
          "unknown field \(member.name); there are dropCallbacks, duplicateCallbacks, delayCallbacks, "
            + "callbackDelayMilliseconds, reorderCallbacks, changeFacts, failSends, hangSends, failMedia, stallMedia, "
            + "mediaLifetimeMilliseconds, failContent")
      }
    }
  }

  private static func stall(_ json: JSONValue) throws(ControlError) -> StallingMedia {
    func count(_ name: String, _ standard: JSONValue = .null, atMost limit: Int) throws(ControlError) -> Int {
      try Self.count(.init(name: "stallMedia.\(name)", value: json[name] ?? standard), atMost: limit)
    }
    return StallingMedia(
      count: try count("count", atMost: 1_000_000), bytes: try count("bytes", .integer(1), atMost: 16 << 20),
      duration: .milliseconds(try count("milliseconds", .integer(20_000), atMost: 600_000)))
  }

  private static func share(_ member: JSONValue.Member) throws(ControlError) -> Double {
    guard let share = member.value.number, (0...1).contains(share) else {
      throw ControlError("\(member.name) is a number from 0 to 1")
    }
    return share
  }

  private static func count(_ member: JSONValue.Member, atMost limit: Int = 1_000_000) throws(ControlError) -> Int {
    guard let count = member.value.integer, (0...limit).contains(count) else {
      throw ControlError("\(member.name) is a whole number from 0 to \(limit)")
    }
    return count
  }
}
