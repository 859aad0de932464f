// Interactive content (buttons, lists, cards), which a provider wants to have before a message can name it.

/// An adapter whose interactive content is deposited with the provider once, under an id that every message with the
/// same content then names. The engine remembers the id, for all nodes, and hands it over as the message's template.
public protocol InteractiveSending: ChannelAdapter {
  /// Reads and checks content before anything is queued. Pure: the same content gives the same digest.
  /// - Parameter type: A word of ``ChannelCapabilities/interactiveTypes``, or the provider's own name for it.
  /// - Throws: Everything that is wrong with it.
  func interactive(type: String, data: JSONValue) throws(InteractiveFaults) -> InteractiveContent

  /// Makes one call: the provider takes the content, and gives it an id. Doing it again does no harm.
  func deposit(_ content: InteractiveContent) async throws(SendFailure) -> String

  /// Whether the provider refused a message because it no longer has what was deposited.
  func isDepositGone(_ failure: SendFailure) -> Bool
}

/// Checked content.
public struct InteractiveContent: Sendable, Hashable {
  /// The word of ``ChannelCapabilities/interactiveTypes``.
  public var type: String
  public var data: JSONValue
  /// What it says in plain words, for lists and searches.
  public var text: String?
  /// Tells it from all other content of the account: what is alike has the same one.
  public var digest: String

  public init(type: String, data: JSONValue, text: String?, digest: String) {
    self.type = type
    self.data = data
    self.text = text
    self.digest = digest
  }
}

/// What is wrong with interactive content.
public struct InteractiveFaults: Error, Sendable, Hashable {
  public struct Fault: Sendable, Hashable {
    /// Below `content`: `type`, `data.actions[0].title`.
    public var path: String
    /// A sentence's end: `may have 20 characters at most`.
    public var message: String

    public init(path: String, message: String) {
      self.path = path
      self.message = message
    }
  }

  /// Never empty.
  public var faults: [Fault]

  public init(_ faults: [Fault]) { self.faults = faults }
}
