// An optional power of an adapter: it knows which templates there are.

/// An adapter whose provider keeps templates. They are an account's: channels of one account give the same.
public protocol TemplateCatalog: ChannelAdapter {
  /// Every template of the account; what is absent is gone at the provider.
  /// - Throws: ``SendFailure`` where the list could not be had to its end: nothing is known then.
  func templates() async throws(SendFailure) -> [TemplateRecord]
}
