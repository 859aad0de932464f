// The id that a request is known by, in answers and logs.

import HTTPTypes
import Logging

enum RequestID {
  /// That of the request that is being answered; every line that is logged meanwhile carries it.
  @TaskLocal static var current: String?

  /// For log handlers.
  static let logged = Logger.MetadataProvider { current.map { ["request": "\($0)"] } ?? [:] }

  /// A client's own, where it is sane: 1 to 128 letters, digits and `-_.`.
  static func given(_ headers: HTTPFields) -> String? {
    guard let text = headers[.requestID], (1...128).contains(text.utf8.count),
      text.utf8.allSatisfy({ byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      })
    else { return nil }
    return text
  }
}
