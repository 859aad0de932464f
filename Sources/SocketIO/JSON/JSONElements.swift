// The elements of a JSON array, as the bytes they were written in.

package enum JSONElements {
  /// - Returns: nil where the text is not exactly one JSON array.
  package static func of(_ text: [UInt8]) -> [[UInt8]]? {
    var scanner = JSONScanner(text)
    scanner.skipBlanks()
    guard scanner.skip("[") else { return nil }
    scanner.skipBlanks()
    var elements: [[UInt8]] = []
    if !scanner.skip("]") {
      repeat {
        guard let element = scanner.value() else { return nil }
        elements.append(Array(element))
        scanner.skipBlanks()
      } while scanner.skip(",")
      guard scanner.skip("]") else { return nil }
    }
    scanner.skipBlanks()
    return scanner.isAtEnd ? elements : nil
  }
}
