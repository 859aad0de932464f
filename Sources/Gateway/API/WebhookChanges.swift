// What a request says about a webhook: all of it for a new one, a part of it for a change.

import ChannelProtocol
import Sinks
import Storage

struct WebhookChanges: Sendable {
  private var url: String?
  private var description: Change<String>
  private var events: [String]?
  private var channels: [String]?
  private var headers: [String: String]?
  private var isActive: Bool?
  private var timeout: Change<Duration>
  private var concurrency: Change<Int>
  private var rateLimit: Change<Double>

  /// What may be taken away as well: `null` does.
  private enum Change<Value: Sendable>: Sendable {
    case none, cleared
    case value(Value)

    func apply(to value: inout Value?) {
      switch self {
      case .none: break
      case .cleared: value = nil
      case .value(let new): value = new
      }
    }
  }

  /// - Throws: ``Problem`` with everything that is wrong.
  init(_ reader: BodyReader, _ services: APIServices, mustHaveURL: Bool) throws(Problem) {
    var reader = reader
    if !mustHaveURL {
      // A change takes away only what there may be none of.
      for name in ["url", "events", "channels", "headers", "active"] where reader.isNull(name) {
        reader.errors.append(.init(field: name, message: "must not be null"))
      }
    }
    url = mustHaveURL ? reader.required("url", maximum: 2_048) : reader.string("url", maximum: 2_048)
    description = Self.change("description", &reader) { $0.string("description", maximum: 1_000) }
    events = reader.strings("events", maximum: 100)
    channels = reader.strings("channels", maximum: 100)
    headers = reader.stringMap("headers", keys: 20, bytes: 8 << 10)
    isActive = reader.boolean("active")
    timeout = Self.change("timeout", &reader) { reader in
      reader.number("timeout", in: 0.1...60).map { .milliseconds(Int(($0 * 1_000).rounded())) }
    }
    concurrency = Self.change("concurrency", &reader) { $0.integer("concurrency", in: 1...256) }
    rateLimit = Self.change("rateLimit", &reader) { $0.number("rateLimit", in: 0.01...10_000) }
    check(&reader, services)
    try reader.finish()
  }

  private static func change<Value>(
    _ name: String, _ reader: inout BodyReader, _ read: (inout BodyReader) -> Value?
  ) -> Change<Value> {
    if reader.isNull(name) {
      _ = reader.value(name)
      return .cleared
    }
    return read(&reader).map { .value($0) } ?? .none
  }

  private func check(_ reader: inout BodyReader, _ services: APIServices) {
    if let url, !reader.errors.contains(where: { $0.field == "url" }),
      let problem = services.webhookAddresses.problem(url)
    {
      reader.errors.append(.init(field: "url", message: problem))
    }
    let known = Set(EventType.all.map(\.rawValue))
    for (index, event) in (events ?? []).enumerated() where !known.contains(event) {
      reader.errors.append(.init(field: "events[\(index)]", message: "is no event type"))
    }
    for (index, channel) in (channels ?? []).enumerated() where services.directory[channel] == nil {
      reader.errors.append(.init(field: "channels[\(index)]", message: "is no configured channel's id"))
    }
    for (name, value) in (headers ?? [:]).sorted(by: { $0.key < $1.key }) {
      if let problem = services.webhookAddresses.headerProblem(name, value) {
        reader.errors.append(.init(field: "headers.\(name)", message: problem))
      }
    }
  }

  func apply(to webhook: inout Webhook) {
    webhook.url = url ?? webhook.url
    description.apply(to: &webhook.description)
    webhook.events = events ?? webhook.events
    webhook.channels = channels ?? webhook.channels
    webhook.headers = headers ?? webhook.headers
    webhook.isActive = isActive ?? webhook.isActive
    timeout.apply(to: &webhook.timeout)
    concurrency.apply(to: &webhook.concurrency)
    rateLimit.apply(to: &webhook.rateLimit)
  }
}
