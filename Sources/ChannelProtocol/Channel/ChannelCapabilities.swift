// What a channel can carry: the engine checks a message against it before anything is queued.

public struct ChannelCapabilities: Sendable, Hashable {
  /// The longest text, in characters (extended grapheme clusters are not counted: Unicode scalars are).
  public var maximumBodyLength: Int
  /// Files to a message; 0: none.
  public var maximumMedia: Int
  public var templates: Bool
  public var location: Bool
  public var interactive: Bool
  /// The kinds of interactive content, by the words of the API: `quick-reply`, `list-picker`, …; empty: all, where
  /// ``interactive`` is promised.
  public var interactiveTypes: [String]
  public var readReceipts: Bool
  /// Text is counted in segments of GSM-7 or UCS-2.
  public var segments: Bool
  /// What a recipient's address looks like.
  public var recipients: RecipientForm
  /// How long after a contact's last message free-form messages are allowed; nil: always.
  public var window: Duration?

  public init(
    maximumBodyLength: Int = 1_600, maximumMedia: Int = 0, templates: Bool = false, location: Bool = false,
    interactive: Bool = false, interactiveTypes: [String] = [], readReceipts: Bool = false, segments: Bool = false,
    recipients: RecipientForm = .phone, window: Duration? = nil
  ) {
    self.maximumBodyLength = maximumBodyLength
    self.maximumMedia = maximumMedia
    self.templates = templates
    self.location = location
    self.interactive = interactive || !interactiveTypes.isEmpty
    self.interactiveTypes = interactiveTypes
    self.readReceipts = readReceipts
    self.segments = segments
    self.recipients = recipients
    self.window = window
  }

  public enum RecipientForm: String, Sendable, Hashable {
    /// E.164 only.
    case phone
    /// E.164, or an id of the provider's.
    case phoneOrID
    /// An id of the provider's only: a page-scoped id, say.
    case id
  }

  /// Writes the `capabilities` object of `GET /api/channels`.
  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("maximumBodyLength", maximumBodyLength)
      writer.member("maximumMedia", maximumMedia)
      writer.member("templates", templates)
      writer.member("location", location)
      writer.member("interactive", interactive)
      writer.member("interactiveTypes", .array(interactiveTypes.map { .string($0) }))
      writer.member("readReceipts", readReceipts)
      writer.member("segments", segments)
      writer.member("windowSeconds", window.map { Int($0.components.seconds) })
    }
  }
}
