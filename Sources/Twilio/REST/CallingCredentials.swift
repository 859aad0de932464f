// What an account calls with: a token is replaced while we run, and then the next one calls.

import ChannelProtocol
import Synchronization

/// The credentials of one account, and which of them was not refused last. One for all copies of a client.
final class CallingCredentials: Sendable {
  struct Credential: Sendable {
    fileprivate var index: Int
    /// The header's value.
    var authorization: String
  }

  private let authorizations: [String]
  private let index = Mutex(0)

  /// The API key where there is one, else every token, in order.
  init(of account: Account) {
    if let key = account.apiKey, !key.isEmpty, let secret = account.apiSecret {
      authorizations = [Self.basic(key, secret.plaintext)]
    } else {
      let tokens = account.authTokens.isEmpty ? [""] : account.authTokens.map(\.plaintext)
      authorizations = tokens.map { Self.basic(account.accountSID, $0) }
    }
  }

  /// At least one.
  var count: Int { authorizations.count }

  var current: Credential {
    let index = index.withLock(\.self)
    return Credential(index: index, authorization: authorizations[index])
  }

  /// The one to try when this one was refused; it calls from now on, unless another call went on already.
  func next(after refused: Credential) -> Credential {
    let next = (refused.index + 1) % authorizations.count
    index.withLock { if $0 == refused.index { $0 = next } }
    return Credential(index: next, authorization: authorizations[next])
  }

  private static func basic(_ user: String, _ password: String) -> String {
    "Basic \(String(decoding: Base64.encode("\(user):\(password)".utf8), as: UTF8.self))"
  }
}
