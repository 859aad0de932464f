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

  /// The tag by which `If-None-Match` names this representation, in whichever coding the client has it; nil: it does
  /// not.
  func named(inIfNoneMatch header: String?) -> String? { named(in: header, takesWeak: true) }

  /// Whether `If-Match` does; a weak tag never does.
  func isNamed(inIfMatch header: String?) -> Bool { named(in: header, takesWeak: false) != nil }

  private func named(in header: String?, takesWeak: Bool) -> String? {
    guard let header else { return nil }
    let ours = [text] + ContentCoding.allCases.map { text(as: $0) }
    for item in header.split(separator: ",") {
      var tag = String(item).trimmingCharacters(in: .whitespaces)
      if tag == "*" { return text }
      if tag.hasPrefix("W/") {
        guard takesWeak else { continue }
        tag.removeFirst(2)
      }
      if ours.contains(tag) { return tag }
    }
    return nil
  }
}
