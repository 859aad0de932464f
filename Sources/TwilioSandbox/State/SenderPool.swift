// Which number of a Messaging Service a message leaves from: for one person always the same (sticky sender).

/// Remembers the choices, bounded; whoever is forgotten is chosen for anew.
struct SenderPool: Sendable {
  private struct Key: Hashable {
    var service: String
    var to: String
  }

  private var chosen: [Key: String] = [:]
  private let limit: Int

  init(limit: Int) { self.limit = max(1, limit) }

  /// - Parameter senders: the pool's, of the message's channel.
  /// - Returns: nil where there are none.
  mutating func sender(of service: String, to: String, among senders: [String]) -> String? {
    guard !senders.isEmpty else { return nil }
    let key = Key(service: service, to: to)
    if let known = chosen[key], senders.contains(known) { return known }
    // One after the other, so that the pool is used evenly.
    let sender = senders[chosen.count % senders.count]
    if chosen.count >= limit { chosen = [:] }
    chosen[key] = sender
    return sender
  }

  /// Somebody wrote to this number of the pool: the answer comes from it.
  mutating func note(_ sender: String, of service: String, to: String) {
    if chosen.count >= limit { chosen = [:] }
    chosen[Key(service: service, to: to)] = sender
  }
}

extension SandboxAccount {
  /// The senders of a service; of an account that names no services, every service has all of them.
  func pool(of service: String) -> [String] { services.isEmpty ? senders : services[service] ?? [] }

  func hasService(_ sid: String) -> Bool { services.isEmpty || services[sid] != nil }

  /// The service whose pool holds a number.
  func service(of sender: String) -> String? {
    services.filter { $0.value.contains(sender) }.keys.min()
  }
}
