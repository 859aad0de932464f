// HTTP Basic authentication as Twilio reads it: Account SID and token, or API key and secret.

import HTTPTypes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The user and password of an Authorization header.
struct BasicCredentials: Sendable, Equatable {
  var user: String
  var password: String

  init?(_ headers: HTTPFields) {
    guard let header = headers[.authorization], header.lowercased().hasPrefix("basic "),
      let data = Data(base64Encoded: header.dropFirst(6).trimmingSpaces),
      let colon = data.firstIndex(of: UInt8(ascii: ":"))
    else { return nil }
    user = String(decoding: data[..<colon], as: UTF8.self)
    password = String(decoding: data[data.index(after: colon)...], as: UTF8.self)
  }

  /// Whether these open the account.
  func open(_ account: SandboxAccount) -> Bool {
    if user == account.sid {
      return [account.authToken, account.secondaryAuthToken].contains { $0?.utf8.elementsEqual(password.utf8) ?? false }
    }
    return account.apiKeys[user].map { $0.utf8.elementsEqual(password.utf8) } ?? false
  }
}

extension Substring {
  fileprivate var trimmingSpaces: String { String(drop { $0 == " " }) }
}
