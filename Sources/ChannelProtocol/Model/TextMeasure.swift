// How much room a text takes on the air, and what makes it take more.

/// A text measured as its channel sends it.
public struct TextMeasure: Sendable, Hashable {
  /// A character that alone turns the whole text into UCS-2.
  public struct ForcingCharacter: Sendable, Hashable {
    public var character: String
    /// `U+2019`
    public var codePoint: String
    /// Unicode scalars before it, in the text as it was given.
    public var index: Int

    public init(character: String, codePoint: String, index: Int) {
      self.character = character
      self.codePoint = codePoint
      self.index = index
    }
  }

  public var segments: Segments
  /// Septets of GSM-7, or UTF-16 units.
  public var units: Int
  /// Units that still fit into the last part.
  public var remaining: Int
  /// Empty for GSM-7; each character once, where it first stands.
  public var forcing: [ForcingCharacter]

  public init(segments: Segments, units: Int, remaining: Int, forcing: [ForcingCharacter]) {
    self.segments = segments
    self.units = units
    self.remaining = remaining
    self.forcing = forcing
  }
}
