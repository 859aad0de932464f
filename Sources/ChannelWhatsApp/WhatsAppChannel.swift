// The WhatsApp adapter.

public import ChannelProtocol
public import Twilio

/// WhatsApp through Twilio: text, one file, a place, templates; what comes in is read whole, whatever its kind.
public struct WhatsAppChannel: TwilioChannel {
  public static let type = ChannelType.whatsapp

  public let line: TwilioLine
  public let configuration: WhatsAppConfiguration

  public init(configuration: WhatsAppConfiguration, context: ChannelContext) throws {
    try configuration.check()
    self.configuration = configuration
    line = try TwilioLine(
      type: Self.type, senders: configuration.senders, defaultRate: 80,
      keywords: configuration.optOut.keywords, context: context)
  }

  public var capabilities: ChannelCapabilities {
    ChannelCapabilities(
      maximumBodyLength: 1_600, maximumMedia: 1, templates: true, location: true, readReceipts: true,
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
    return ChannelPolicies(refusesOptedOut: configuration.optOut.refuse, outsideWindow: outside)
  }

  public func request(for message: OutboundMessage) throws(SendFailure) -> MessageRequest {
    var request = line.request(for: message)
    if let template = message.template {
      request.contentSID = template.sid
      request.contentVariables = template.variables
      return request
    }
    switch message.content.kind {
    case .text(let text): request.body = message.body ?? text
    case .media(let caption): request.body = message.body ?? caption
    case .location(let location):
      request.body = message.body ?? location.label ?? location.address ?? location.degrees
      request.persistentActions = [location.persistentAction]
    case .template(let sid, let variables):
      request.contentSID = sid
      request.contentVariables = variables
      return request
    case .contacts, .buttonReply, .listReply, .reaction, .sticker, .interactive, .unknown:
      throw .unsupportedContent("WhatsApp messages of this kind cannot be sent yet.")
    }
    guard message.mediaURLs.count <= 1 else { throw .unsupportedContent("A WhatsApp message carries one file.") }
    request.mediaURLs = message.mediaURLs
    if request.body?.isEmpty == true, !request.mediaURLs.isEmpty { request.body = nil }
    guard request.body?.isEmpty == false || !request.mediaURLs.isEmpty
    else { throw .unsupportedContent("A message needs a text or a file.") }
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
