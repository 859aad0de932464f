// The kinds of interactive content, by our words and by those of Twilio's Content API.

/// A kind of content with something to touch (FACTS section 15).
public enum InteractiveType: String, Sendable, Hashable, CaseIterable {
  case quickReply = "quick-reply"
  case listPicker = "list-picker"
  case callToAction = "call-to-action"
  case card
  case carousel
  /// WhatsApp's own card, with a header and a footer.
  case whatsAppCard = "whatsapp-card"
  /// A one-time code: a template that WhatsApp has approved, and nothing else.
  case authentication

  /// The name in a template's `types`.
  public var contentType: String {
    switch self {
    case .quickReply, .listPicker, .callToAction, .card, .carousel: "twilio/\(rawValue)"
    case .whatsAppCard: "whatsapp/card"
    case .authentication: "whatsapp/authentication"
    }
  }

  /// Reads our word, or Twilio's name.
  public init?(word: String) {
    guard let type = Self.allCases.first(where: { $0.rawValue == word || $0.contentType == word }) else { return nil }
    self = type
  }
}

/// What a channel carries of interactive content, and how much of it, where Twilio says so.
public struct InteractiveRules: Sendable, Hashable {
  public var types: [InteractiveType]
  /// Buttons of content that nobody has approved.
  public var maximumButtons: Int
  /// Characters on a button that answers.
  public var maximumReplyTitle: Int

  public init(types: [InteractiveType], maximumButtons: Int, maximumReplyTitle: Int = 20) {
    self.types = types
    self.maximumButtons = maximumButtons
    self.maximumReplyTitle = maximumReplyTitle
  }

  /// Within the 24 hours nothing needs an approval, and three buttons are allowed. Meta may still ask for one for cards
  /// and carousels: the content keeps its name and id, and goes out once it is approved.
  public static let whatsApp = InteractiveRules(
    types: [.quickReply, .listPicker, .callToAction, .card, .carousel, .whatsAppCard], maximumButtons: 3)
  public static let rcs = InteractiveRules(
    types: [.quickReply, .callToAction, .card, .carousel], maximumButtons: 10, maximumReplyTitle: 25)
  public static let messenger = InteractiveRules(types: [.quickReply, .callToAction, .card], maximumButtons: 10)
}
