// The hours in which a channel leaves its contacts alone.

import ChannelProtocol
import Foundation

/// `quietHours` of a channel. A value: times are passed in.
public struct QuietHours: Sendable, Hashable {
  /// Minutes of the day, in the zone's own time; `to` is the first that is no longer quiet.
  public var from: Int
  public var to: Int
  /// An IANA name; nil: each contact's own.
  public var timeZone: String?
  /// Where a contact's own is not known.
  public var fallback: String
  /// Whether an answer goes out all the same, and how long after a contact's message one is an answer.
  public var repliesPass: Bool
  public var repliesWithin: Duration

  public init(
    from: Int, to: Int, timeZone: String? = nil, fallback: String = "UTC", repliesPass: Bool = true,
    repliesWithin: Duration = .seconds(30 * 60)
  ) {
    self.from = from
    self.to = to
    self.timeZone = timeZone
    self.fallback = fallback
    self.repliesPass = repliesPass
    self.repliesWithin = repliesWithin
  }

  /// The zone whose hours a contact's messages keep: the channel's; else what the contact's attribute says; else where
  /// its phone number is, as far as that is certain.
  func zone(attribute: String?, address: String) -> String {
    if let timeZone { return timeZone }
    if let attribute, Self.isZone(attribute) { return attribute }
    return PhoneTimeZones.zone(of: address) ?? fallback
  }

  /// When the quiet hours end that `time` lies in; nil: it lies in none.
  func end(at time: Timestamp, in zone: String) -> Timestamp? {
    guard let zone = TimeZone(identifier: zone) else { return nil }
    let offset = Self.offset(of: zone, at: time)
    let local = Self.seconds(time) + offset
    let day = local.quotientFloored(by: 86_400)
    let minute = Int((local - day * 86_400) / 60)
    guard isQuiet(minute) else { return nil }
    let end = (minute < to ? day : day + 1) * 86_400 + Int64(to) * 60
    // The clocks may have been changed by then.
    let first = Timestamp(seconds: end - offset)
    let later = Self.offset(of: zone, at: first)
    if later == offset { return first }
    let second = Timestamp(seconds: end - later)
    // An hour that does not exist on this day: the later of the two is past the change.
    return Self.offset(of: zone, at: second) == later ? second : max(first, second)
  }

  private func isQuiet(_ minute: Int) -> Bool {
    from < to ? minute >= from && minute < to : minute >= from || minute < to
  }

  private static func offset(of zone: TimeZone, at time: Timestamp) -> Int64 {
    Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time.microseconds) / 1_000_000)))
  }

  private static func seconds(_ time: Timestamp) -> Int64 { time.microseconds.quotientFloored(by: 1_000_000) }

  /// Whether it is an IANA name, such as `Europe/Berlin`; abbreviations mean different zones to different people.
  static func isZone(_ name: String) -> Bool {
    name == "UTC" || (name.utf8.count <= 64 && name.contains("/") && TimeZone(identifier: name) != nil)
  }
}

extension Int64 {
  fileprivate func quotientFloored(by divisor: Int64) -> Int64 {
    self >= 0 ? self / divisor : (self - divisor + 1) / divisor
  }
}
