// Sessions of clients that the application has not let in yet. A handshake over polling costs its client nothing: without
// a bound of their own, one client without a key could take every place there is.

struct EngineNewcomers {
  private var addresses: [String: String] = [:]
  private var counts: [String: Int] = [:]

  /// - Returns: false: there are too many, in all or from this address.
  mutating func add(_ id: String, from address: String, _ configuration: EngineConfiguration) -> Bool {
    let count = counts[address, default: 0]
    guard addresses.count < configuration.maximumNewcomers, count < configuration.maximumNewcomersPerAddress else {
      return false
    }
    addresses[id] = address
    counts[address] = count + 1
    return true
  }

  mutating func remove(_ id: String) {
    guard let address = addresses.removeValue(forKey: id), let count = counts[address] else { return }
    counts[address] = count > 1 ? count - 1 : nil
  }
}
