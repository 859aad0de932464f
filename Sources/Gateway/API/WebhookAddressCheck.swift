// Whether a URL may be registered as a receiver: what its text alone tells. Names are resolved, and judged again, at
// each connection.

import ChannelProtocol
import Sinks

struct WebhookAddressCheck: Sendable {
  private let rules: AddressRules

  init(rules: AddressRules) { self.rules = rules }

  /// The rules of the configured webhook sink; without one, public addresses only.
  init(sinks: [SinkEntry]) throws {
    let configuration = try sinks.first { $0.type == WebhookSink.type }?.decode(WebhookConfiguration.self)
    rules = try AddressRules(allow: configuration?.allow ?? [])
  }

  /// What is wrong with a URL; nil: nothing.
  func problem(_ text: String) -> String? {
    do throws(EndpointURLProblem) {
      let url = try EndpointURL(text)
      return rules.permits(url) ? nil : "its host is a blocked address"
    } catch {
      return "\(error)"
    }
  }

  func headerProblem(_ name: String, _ value: String) -> String? { WebhookHeaders.problem(name: name, value: value) }
}
