// What may be wrong with each option, and the words that say so. An option without a case here fails a test: write
// down what its wrong values are. (A text, because the compiler takes minutes over a literal of this size.)

import Foundation

/// A wrong value of an option.
struct OptionCase: Sendable {
  enum Place: String, Sendable { case key, value, item, entry }

  var text: String
  var place: Place
  var message: String

  /// The cases of an option of this owner's.
  static func of(_ owner: OptionOwner, _ path: [String]) -> [OptionCase] {
    let name = path.joined(separator: ".")
    let common = owner == .account && name != "id" ? [] : shared[name] ?? []
    return common + (particular["\(owner).\(name)"] ?? [])
  }

  /// By the option's path; `one` stands for any name.
  static let shared = read(sharedLines)

  /// What is particular to one type of channel, or to accounts.
  static let particular = read(particularLines)

  /// A line: the option's path, where the error is told, the wrong value as YAML, the error's words.
  private static func read(_ lines: String) -> [String: [OptionCase]] {
    var cases: [String: [OptionCase]] = [:]
    for line in lines.split(separator: "\n") {
      let fields = line.components(separatedBy: " | ")
      precondition(fields.count == 4, "no case: \(line)")
      guard let place = Place(rawValue: fields[1]) else { preconditionFailure("no place: \(line)") }
      cases[fields[0], default: []].append(OptionCase(text: fields[2], place: place, message: fields[3]))
    }
    return cases
  }

  private static let sharedLines = #"""
    id | value | '' | id must not be empty
    id | value | [a] | id must be a text, not a list
    type | value | '' | type must not be empty
    type | value | {} | type must be a text, not a mapping
    account | value | [main] | account must be a text, not a list
    account | value | mian | account `mian` is not among accounts; did you mean `main`?
    from | value | "+15005550006" | from must be a list, not a single value; put it in [brackets]
    from | value | { a: b } | from must be a list, not a mapping
    from | item | [[a]] | from[0] must be a text, not a list
    from | item | [~] | from[0] must be a text; nothing is written here
    messagingService | value | [MG1] | messagingService must be a text, not a list
    messagingService | key | XX0123 | A Messaging Service's id is MG and 32 hexadecimal digits.
    mps | value | fast | mps must be a number from 0.01 to 2000, not "fast"
    mps | value | 0 | mps must be a number from 0.01 to 2000, not "0"
    mps | value | 2001 | mps must be a number from 0.01 to 2000, not "2001"
    mps | value | [1] | mps must be a number from 0.01 to 2000, not a list
    optOut | value | false | optOut must be a mapping, not a single value
    optOut.refuse | value | no | optOut.refuse must be true or false, not "no"; write `false`
    optOut.refuse | value | flase | optOut.refuse must be true or false, not "flase"; did you mean `false`?
    optOut.keywords | value | [STOP] | optOut.keywords must be a mapping, not a list
    optOut.keywords.one | value | [ARRET] | optOut.keywords.one must be a mapping, not a list
    optOut.keywords.one.stop | value | ARRET | optOut.keywords.one.stop must be a list, not a single value; put it in [brackets]
    optOut.keywords.one.stop | item | [{}] | optOut.keywords.one.stop[0] must be a text, not a mapping
    optOut.keywords.one.start | value | {} | optOut.keywords.one.start must be a list, not a mapping
    optOut.keywords.one.help | value | AIDE | optOut.keywords.one.help must be a list, not a single value; put it in [brackets]
    quietHours | value | always | quietHours must be a mapping, not a single value
    quietHours.from | value | "24:00" | from must be a time of day such as "21:00", not "24:00"
    quietHours.from | value | 9pm | from must be a time of day such as "21:00", not "9pm"
    quietHours.from | value | ["21:00"] | quietHours.from must be a text, not a list
    quietHours.to | value | "8:00" | to must be a time of day such as "21:00", not "8:00"
    quietHours.to | value | "21:00" | quietHours must not end when they begin
    quietHours.timeZone | value | Europe/Berln | timeZone must be `contact` or a time zone such as Europe/Berlin, not "Europe/Berln"
    quietHours.fallback | value | contact | fallback must be a time zone such as Europe/Berlin, not "contact"
    quietHours.repliesPass | value | yes | quietHours.repliesPass must be true or false, not "yes"; write `true`
    quietHours.repliesWithin | value | 30 | quietHours.repliesWithin must be a duration such as `500ms`, `5s`, `30m`, `2h` or `7d`, not "30"; add a unit, such as `30s`
    smartEncoding | value | on | smartEncoding must be true or false, not "on"; write `true`
    holdFor | value | 1 day | holdFor must be a duration such as `500ms`, `5s`, `30m`, `2h` or `7d`, not "1 day"
    window.holdFor | key | 0s | It must be longer than 0.
    window.holdFor | value | [1d] | window.holdFor must be a duration such as `500ms`, `5s`, `30m`, `2h` or `7d`, not a list
    window | value | reject | window must be a mapping, not a single value
    window.policy | value | rejct | window.policy must be one of `reject`, `template`, `hold`, not "rejct"; did you mean `reject`?
    window.policy | key | template | The policy `template` needs a `template` (HX…).
    window.template | value | [HX1] | window.template must be a text, not a list
    window.template | key | order_update | A template's id is HX and 32 hexadecimal digits.
    fallback | value | maybe | fallback must be true or false, not "maybe"
    fallback | key | true | A fallback needs a `messagingService` that holds an SMS sender.
    outsideWindow | value | template | outsideWindow must be one of `reject`, `hold`, not "template"
    outsideWindow | value | holdd | outsideWindow must be one of `reject`, `hold`, not "holdd"; did you mean `hold`?
    """#

  private static let particularLines = #"""
    sms.from | key | [] | A sms channel needs `from` (addresses of ours) or `messagingService` (MG…).
    sms.from | item | ["+1"] | `+1` is no phone number (+ and 7 to 15 digits), short code or alphanumeric sender.
    sms.from | item | ["whatsapp:+14155238886"] | `whatsapp:+14155238886` is an address of another channel: this one is sms.
    mms.from | item | ["a name too long"] | `a name too long` is no phone number (+ and 7 to 15 digits), short code or alphanumeric sender.
    whatsapp.from | item | ["12345"] | `12345` is no phone number: + and 7 to 15 digits.
    rcs.from | item | ["12345"] | `12345` is no RCS sender: letters, digits and `_`, such as rcs:brand_agent.
    messenger.from | item | [page] | `page` is no Facebook page: the digits of its id.
    account.id | value | a b | account id `a b` must be of letters, digits, `-`, `_` and `.`, at most 64
    account.provider | value | [twilio] | provider must be a text, not a list
    account.accountSID | value | AC12 | accountSID must be AC and 32 hexadecimal digits, or `sandbox`
    account.accountSID | value | [sandbox] | accountSID must be a text, not a list
    account.accountSID | value | '' | accountSID must not be empty
    account.accountSID | entry | AC0123456789abcdef0123456789abcdef | account `main` has an accountSID but no auth token: authTokens is empty
    account.authTokens | value | hunter2 | authTokens must be a list, not a single value; put it in [brackets]
    account.authTokens | item | [[hunter2]] | authTokens[0] must be a text, not a list
    account.apiKey | value | [SK1] | apiKey must be a text, not a list
    account.apiKey | key | SK1 | apiKey needs its apiSecret
    account.apiSecret | value | { a: hunter2 } | apiSecret must be a text, not a mapping
    account.apiSecret | key | hunter2 | apiSecret needs its apiKey
    account.sharedKeys | value | [hunter2] | sharedKeys must be a mapping, not a list
    account.sharedKeys.one | value | [hunter2] | sharedKeys.one must be a text, not a list
    account.baseURL | value | [a] | baseURL must be a text, not a list
    account.baseURL | value | ftp://x | baseURL must be an http or https URL such as https://sms.example.com, not "ftp://x"
    account.reconcile | value | 15m | reconcile must be a mapping, not a single value
    account.reconcile.every | value | 5s | every must be 10s at least, or 0s
    account.reconcile.every | value | often | reconcile.every must be a duration such as `500ms`, `5s`, `30m`, `2h` or `7d`, not "often"
    account.reconcile.lookBack | value | 31d | lookBack must be longer than 0 and 30d at most
    account.reconcile.lookBack | value | 0s | lookBack must be longer than 0 and 30d at most
    account.region | value | [ie1] | region must be a text, not a list
    account.region | value | evil.example/ | region must be a word of Twilio's such as `ie1`, not "evil.example/"
    account.region | key | ie1 | region `ie1` needs its edge, such as `dublin`
    account.edge | value | {} | edge must be a text, not a mapping
    account.edge | value | -dublin | edge must be a word of Twilio's such as `dublin`, not "-dublin"
    """#
}
