// `?search=` of the message list.

import Storage

extension QueryReader {
  /// Words to look for.
  mutating func words(_ name: String) -> String? {
    guard let text = address(name) else { return nil }
    guard text.unicodeScalars.count <= 200 else { return fail(name, "may have 200 characters at most") }
    guard WordSearch(text) != nil else { return fail(name, "must hold a letter or a digit") }
    return text
  }
}
