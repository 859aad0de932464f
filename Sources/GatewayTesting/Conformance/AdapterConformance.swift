// The contract of a channel adapter, as checks that any test framework can run.

public import ChannelProtocol
import Logging

/// Holds an adapter to what the engine relies on. One line makes a test of it, in any framework:
///
/// ```swift
/// #expect(try await AdapterConformance(fixtures).violations() == [])
/// ```
///
/// What is checked, by the words that a violation begins with:
/// - `fixtures`: that there is enough to check by.
/// - `shape`: routes, senders and claims are such that the engine can use them.
/// - `purity`: the same request makes the same events, whatever was asked before; nothing is called, no clock is read.
/// - `events`: each request makes what it should.
/// - `no lost field`: every field is in the model or in `raw`.
/// - `unknown kinds`: unheard-of fields are kept, and are never an error.
/// - `signature refusal`: no signature, a wrong one and other contents are `badSignature`; a foreign account is claimed
///   by nobody; what was verified before is read, whatever its signature.
/// - `round trip`: who wrote can be answered, in one call.
/// - `capabilities`: what is promised is carried, what is not is refused as `unsupported_content` without a call.
/// - `failure classification`: each refusal, each missing answer is what the engine must take it for.
///
/// Every check has an adapter of its own and plays the provider with a ``ScriptedTransport``: nothing leaves the process.
public struct AdapterConformance<Adapter: ChannelAdapter>: Sendable {
  let fixtures: AdapterFixtures<Adapter>

  public init(_ fixtures: AdapterFixtures<Adapter>) { self.fixtures = fixtures }

  /// What the adapter does not hold to: sentences that begin with the rule and say where; empty: it conforms.
  ///
  /// - Throws: what the adapter's initialiser throws.
  public func violations() async throws -> [String] {
    var found = missingFixtures()
    found += try shape()
    for sample in fixtures.requests {
      found += try reception(of: sample)
      found += try refusals(of: sample)
      found += try await roundTrip(of: sample)
    }
    found += try foreignAccounts()
    found += try await capabilities()
    found += try await failures()
    return found
  }

  private func missingFixtures() -> [String] {
    var found: [String] = []
    if fixtures.requests.isEmpty { found.append("fixtures: there is no request of the provider's") }
    if fixtures.foreign.isEmpty { found.append("fixtures: there is no request of a foreign account's") }
    if fixtures.signatureFields.isEmpty { found.append("fixtures: no header field is named to carry the signature") }
    if fixtures.failures.isEmpty { found.append("fixtures: there is no refusal of the provider's") }
    return found
  }
}

extension AdapterConformance {
  /// An adapter nobody has used, the transport it calls, and a clock that never tells the same time twice.
  struct Probe {
    let adapter: Adapter
    let transport: ScriptedTransport

    /// Its default sender.
    var sender: String { adapter.senders.first?.address ?? "" }
  }

  func probe(_ script: [ScriptedTransport.Answer] = []) throws -> Probe {
    let transport = ScriptedTransport(script)
    let context = ChannelContext(
      channelID: "conformance", account: fixtures.account, publicURL: fixtures.publicURL, transport: transport,
      clock: ManualClock(tick: .seconds(1)), logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() })
    return Probe(
      adapter: try Adapter(configuration: fixtures.configuration, context: context), transport: transport)
  }

  private func shape() throws -> [String] {
    let adapter = try probe().adapter
    var found: [String] = []
    if adapter.senders.isEmpty { found.append("shape: the adapter has no sender") }
    for sender in adapter.senders where !(sender.messagesPerSecond > 0) {
      found.append("shape: the sender \(sender.address) sends \(sender.messagesPerSecond) messages a second")
    }
    for route in adapter.routes where !route.path.hasPrefix("/") || route.path.contains("?") {
      found.append("shape: the route \(route.path) is no path")
    }
    for sample in fixtures.requests {
      let path = sample.target.prefix { $0 != "?" }
      if !adapter.routes.contains(where: { $0.path == path }) {
        found.append("shape: \(sample.name): no route of the adapter's is \(path)")
      }
    }
    return found
  }
}
