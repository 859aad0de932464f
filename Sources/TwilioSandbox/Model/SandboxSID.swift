// Twilio's identifiers: a prefix of two letters and 32 hex digits.

/// Makes and checks SIDs.
enum SandboxSID {
  /// A random SID: a restarted sandbox must not give out the numbers of its last life again.
  static func make(_ prefix: String) -> String {
    prefix + hex(.random(in: .min ... .max)) + hex(.random(in: .min ... .max))
  }

  static func isValid(_ text: String, prefix: String) -> Bool {
    text.hasPrefix(prefix) && text.utf8.count == 34
      && text.utf8.dropFirst(2).allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
  }

  private static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
