// Host names to addresses, on threads of its own: `getaddrinfo` blocks and cannot be cancelled.

import Foundation
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Resolves names anew each time. Questions for one name at one time share one lookup, so that a name whose servers
/// hang holds one thread, however many ask; ``LookupQueue`` keeps many such names from holding up others.
final class HostResolver: Sendable {
  /// The addresses of a name, in the order to try them; throws or is empty where there is none. May block.
  typealias Lookup = @Sendable (String) throws -> [IPAddress]

  private struct State {
    var isClosed = false
    var queue = LookupQueue()
    var waiting: [String: [EventLoopPromise<[IPAddress]>]] = [:]
  }

  /// Lookups under way and waiting for a thread, over all names.
  private static let nameLimit = 1_024

  private let lookup: Lookup
  /// From then on a lookup is late.
  private let patience: TimeAmount
  private let state = Mutex(State())

  init(patience: TimeAmount = .seconds(1), lookup: @escaping Lookup = HostResolver.systemLookup) {
    self.patience = patience
    self.lookup = lookup
  }

  /// - Throws: `unresolvedHost`, `timeout`, or `interrupted` once closed.
  func resolve(_ name: String, on eventLoop: any EventLoop, deadline: NIODeadline) async throws -> [IPAddress] {
    let promise = eventLoop.makePromise(of: [IPAddress].self)
    // A promise keeps the first of two results.
    let timer = eventLoop.scheduleTask(deadline: deadline) { promise.fail(WebhookFailure.timeout) }
    defer { timer.cancel() }
    enqueue(name, promise)
    return try await promise.futureResult.get()
  }

  private func enqueue(_ name: String, _ promise: EventLoopPromise<[IPAddress]>) {
    let refusal: WebhookFailure? = state.withLock { state in
      if state.isClosed { return .interrupted }
      if state.waiting[name] != nil {
        state.waiting[name]?.append(promise)
        return nil
      }
      if state.waiting.count >= Self.nameLimit { return .unresolvedHost }
      state.waiting[name] = [promise]
      state.queue.ask(name)
      return nil
    }
    if let refusal { promise.fail(refusal) } else { begin() }
  }

  /// Begins the lookups that may run now.
  private func begin() {
    while let name = state.withLock({ $0.isClosed ? nil : $0.queue.next() }) {
      let timer = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: patience) { [self] in
        state.withLock { $0.queue.isLate(name) }
        begin()
      }
      // A thread costs little beside a lookup, and none is kept for names that may never hang.
      Thread.detachNewThread { [self] in
        let result = Result { try lookup(name) }
        timer.cancel()
        answer(name, result)
        begin()
      }
    }
  }

  private func answer(_ name: String, _ result: Result<[IPAddress], any Error>) {
    let waiting = state.withLock { state in
      state.queue.ended(name)
      return state.waiting.removeValue(forKey: name) ?? []
    }
    for promise in waiting { promise.completeWith(result) }
  }

  /// Fails whoever waits. Lookups under way end by themselves, for nobody.
  func close() {
    let waiting = state.withLock { state in
      defer {
        state.isClosed = true
        state.waiting = [:]
      }
      return state.waiting.values.flatMap { $0 }
    }
    for promise in waiting { promise.fail(WebhookFailure.interrupted) }
  }

  /// Asks the system: hosts file and name servers, sorted as RFC 6724 wants it.
  static func systemLookup(_ name: String) throws -> [IPAddress] {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    #if canImport(Glibc)
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    #else
    hints.ai_socktype = SOCK_STREAM
    #endif
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, &hints, &list) == 0 else { throw WebhookFailure.unresolvedHost }
    defer { freeaddrinfo(list) }
    var addresses: [IPAddress] = []
    var next = list
    while let entry = next?.pointee {
      if let address = IPAddress(entry), !addresses.contains(address) { addresses.append(address) }
      next = entry.ai_next
    }
    return addresses
  }
}

extension IPAddress {
  fileprivate init?(_ entry: addrinfo) {
    guard let address = entry.ai_addr else { return nil }
    let bytes = UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen))
    switch entry.ai_family {
    // `sockaddr_in`: family, port, address. `sockaddr_in6`: family, port, flow, address. The same on Linux and Darwin.
    case AF_INET where bytes.count >= 8: self.init(packed: Array(bytes[4..<8]))
    case AF_INET6 where bytes.count >= 24: self.init(packed: Array(bytes[8..<24]))
    default: return nil
    }
  }
}
