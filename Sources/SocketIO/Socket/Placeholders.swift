// Where the attachments of a binary packet belong: `{"_placeholder":true,"num":0}` in its JSON.

enum Placeholders {
  /// Whether every placeholder in a value names an attachment that there is.
  /// - Parameter json: a value that is known to be JSON.
  static func areWithin(_ count: Int, _ json: [UInt8]) -> Bool {
    switch json.first {
    case UInt8(ascii: "{"):
      guard let members = JSONMembers(json) else { return false }
      if members["_placeholder"]?.elementsEqual("true".utf8) == true {
        guard let number = members["num"].flatMap(JSONMembers.integer(of:)) else { return false }
        return (0..<Int64(count)).contains(number)
      }
      return members.members.allSatisfy { areWithin(count, Array($0.value)) }
    case UInt8(ascii: "["):
      return JSONElements.of(json)?.allSatisfy { areWithin(count, $0) } ?? false
    default: return true
    }
  }
}
