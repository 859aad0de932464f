// X-Twilio-Signature, from Twilio's description (security documentation, "Validating requests").

import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Signs as Twilio does: base64 of HMAC-SHA1 over the URL and the sorted form.
enum WebhookSignature {
  /// - Parameters:
  ///   - url: exactly as requested, query included, fragment and credentials left out.
  ///   - form: the decoded POST fields; each name in byte order, with its distinct values in byte order.
  static func make(url: String, form: FormFields, authToken: String) -> String {
    var pairs: [(name: [UInt8], value: [UInt8])] = form.fields.map { (Array($0.name.utf8), Array($0.value.utf8)) }
    pairs.sort {
      $0.name == $1.name
        ? $0.value.lexicographicallyPrecedes($1.value) : $0.name.lexicographicallyPrecedes($1.name)
    }
    var text = Array(url.utf8)
    for (index, pair) in pairs.enumerated() where index == 0 || pair != pairs[index - 1] {
      text += pair.name
      text += pair.value
    }
    let key = SymmetricKey(data: Array(authToken.utf8))
    let code = HMAC<Insecure.SHA1>.authenticationCode(for: text, using: key)
    return Data(code).base64EncodedString()
  }
}
