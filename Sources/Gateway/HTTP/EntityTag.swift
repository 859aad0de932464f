// The tag of a representation, and what requests say about tags (RFC 9110 sections 8.8.3 and 13.1).

import Crypto
import Foundation
import HTTPTypes

/// A strong tag: other bytes, another tag.
struct EntityTag: Sendable, Hashable {
  /// With its quotes.
  let text: String

  init(of body: [UInt8]) {
    let digest = Data(SHA256.hash(data: body).prefix(12)).base64EncodedString()
    text = "\"\(digest.replacing("+", with: "-").replacing("/", with: "_"))\""
  }

  /// As it stands in an answer: a compressed one is another representation, and has a tag of its own.
  func text(as coding: ContentCoding?) -> String {
    coding.map { "\(text.dropLast())-\($0.rawValue)\"" } ?? text
  }

  /// Whether `If-None-Match` names this representation in any coding.
  func isNamed(inIfNoneMatch header: String?) -> Bool { isNamed(in: header, takesWeak: true) }

  /// Whether `If-Match` does; a weak tag never does.
  func isNamed(inIfMatch header: String?) -> Bool { isNamed(in: header, takesWeak: false) }

  private func isNamed(in header: String?, takesWeak: Bool) -> Bool {
    guard let header else { return false }
    return header.split(separator: ",").contains { item in
      var tag = String(item).trimmingCharacters(in: .whitespaces)
      if tag == "*" { return true }
      if tag.hasPrefix("W/") {
        guard takesWeak else { return false }
        tag.removeFirst(2)
      }
      return tag == text || ContentCoding.allCases.contains { tag == self.text(as: $0) }
    }
  }
}
