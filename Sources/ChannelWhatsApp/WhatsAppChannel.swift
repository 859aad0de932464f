// The WhatsApp adapter.

public import ChannelProtocol
public import Twilio

/// WhatsApp through Twilio: text, one file, a place, templates; what comes in is read whole, whatever its kind.
public struct WhatsAppChannel: TwilioInteractiveChannel {
  public static let type = ChannelType.whatsapp
  public static let interactiveRules = InteractiveRules.whatsApp

  public let line: TwilioLine
  public let configuration: WhatsAppConfiguration

  public init(configuration: WhatsAppConfiguration, context: ChannelContext) throws {
    self.configuration = configuration
    line = try TwilioLine(
      type: Self.type, senders: configuration.senders, defaultRate: 80,
      keywords: configuration.optOut.keywords, problems: configuration.problems, context: context)
  }

  public var capabilities: ChannelCapabilities {
    ChannelCapabilities(
      maximumBodyLength: 1_600, maximumMedia: 1, templates: true, location: true,
      interactiveTypes: Self.interactiveRules.types.map(\.rawValue), readReceipts: true,
      recipients: .phoneOrID, window: .seconds(24 * 3_600))
  }

  public var policies: ChannelPolicies {
    let outside: ChannelPolicies.OutsideWindow =
      switch configuration.window.policy {
      case .reject: .reject
      // Checked: the policy has its template.
      case .template: configuration.window.template.map { .template(sid: $0) } ?? .reject
      case .hold: .hold
      }
    return ChannelPolicies(
      refusesOptedOut: configuration.optOut.refuse, outsideWindow: outside,
      holdFor: .seconds(configuration.window.holdFor))
  }

  public func request(for message: OutboundMessage) throws(SendFailure) -> MessageRequest {
    guard message.template == nil, case .location(let location) = message.content.kind else {
      return try line.plainRequest(for: message)
    }
    var request = line.request(for: message)
    request.body = message.body ?? location.label ?? location.address ?? location.degrees
    request.persistentActions = [location.persistentAction]
    return request
  }
}

extension Location {
  /// `37.78,-122.41`
  fileprivate var degrees: String { "\(Self.decimal(latitude)),\(Self.decimal(longitude))" }

  /// `geo:37.78,-122.41|label`; a bar would end the label.
  fileprivate var persistentAction: String {
    let name = (label ?? address)?.replacingBars()
    return "geo:\(degrees)" + (name.map { "|\($0)" } ?? "")
  }

  /// Degrees without an exponent, which Swift writes for small ones.
  private static func decimal(_ degrees: Double) -> String {
    let text = degrees.description
    guard text.contains("e") else { return text }
    let millionths = Int64((degrees.magnitude * 1_000_000).rounded())
    let fraction = String(millionths % 1_000_000)
    return (degrees < 0 ? "-" : "") + "\(millionths / 1_000_000)."
      + String(repeating: "0", count: 6 - fraction.count) + fraction
  }
}

extension String {
  fileprivate func replacingBars() -> String { String(map { $0 == "|" ? " " : $0 }) }
}
