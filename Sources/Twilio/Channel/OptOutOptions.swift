// What a channel does about contacts who opted out, as `channels.yaml` says it.

public import ChannelProtocol

public struct OptOutOptions: Decodable, Sendable, Hashable {
  /// Refuse to send to them before Twilio does.
  public var refuse: Bool
  public var keywords: OptOutKeywords

  public init(refuse: Bool = true, keywords: OptOutKeywords = .standard) {
    self.refuse = refuse
    self.keywords = keywords
  }

  private enum CodingKeys: CodingKey { case refuse, keywords }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    refuse = try container.decodeIfPresent(Bool.self, forKey: .refuse) ?? true
    let languages = try container.decodeIfPresent([String: OptOutKeywords.Words].self, forKey: .keywords)
    keywords = languages.map { OptOutKeywords(languages: $0) } ?? .standard
  }

  public static let key = ConfigurationKey(
    "optOut",
    .object([
      ConfigurationKey("refuse", .boolean, "Refuse messages to contacts who opted out."),
      ConfigurationKey(
        "keywords",
        .dictionary(
          .object([
            ConfigurationKey("stop", .list(.string), "Words that end messages to whoever sends one of them."),
            ConfigurationKey("start", .list(.string), "Words that take it back."),
            ConfigurationKey("help", .list(.string), "Words that ask for help."),
          ])), "The words by language, in place of Twilio's English ones."),
    ]), "What to do about contacts who opted out.")
}

/// The words that contacts opt out and in with, whatever their language (FACTS section 13).
public struct OptOutKeywords: Sendable, Hashable {
  /// The words of one language.
  public struct Words: Decodable, Sendable, Hashable {
    public var stop: [String]
    public var start: [String]
    public var help: [String]

    public init(stop: [String] = [], start: [String] = [], help: [String] = []) {
      self.stop = stop
      self.start = start
      self.help = help
    }

    private enum CodingKeys: CodingKey { case stop, start, help }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      stop = try container.decodeIfPresent([String].self, forKey: .stop) ?? []
      start = try container.decodeIfPresent([String].self, forKey: .start) ?? []
      help = try container.decodeIfPresent([String].self, forKey: .help) ?? []
    }
  }

  private let signals: [String: OptOutSignal]
  /// No word is longer, in bytes: a longer text is not even looked at.
  private let longest: Int

  /// Where languages disagree on a word, it stops: to send too little can be mended.
  public init(languages: [String: Words]) {
    var signals: [String: OptOutSignal] = [:]
    for words in languages.values {
      for word in words.help where signals[Self.folded(word)] == nil { signals[Self.folded(word)] = .help }
      for word in words.start where signals[Self.folded(word)] != .stop { signals[Self.folded(word)] = .start }
      for word in words.stop { signals[Self.folded(word)] = .stop }
    }
    signals[""] = nil
    self.signals = signals
    longest = signals.keys.map(\.utf8.count).max() ?? 0
  }

  /// Twilio's own, which it acts on by itself for phone numbers.
  public static let standard = OptOutKeywords(languages: [
    "en": Words(
      stop: ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"],
      start: ["START", "YES", "UNSTOP"], help: ["HELP", "INFO"])
  ])

  /// What a text asks for: the whole of it must be a word of the lists, blanks around it and case aside.
  public func signal(of text: String) -> OptOutSignal? {
    guard text.utf8.count <= longest + 16 else { return nil }
    return signals[Self.folded(text)]
  }

  private static func folded(_ text: String) -> String {
    var text = Substring(text)
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return text.lowercased()
  }
}
