// A configuration in which one option is written, and the places of what is written.

import ChannelMessenger
import ChannelProtocol
import ChannelRCS
import ChannelSMS
import ChannelWhatsApp
import HTTPTypes
import Logging
import Sinks

@testable import Gateway

/// Whose option it is.
enum OptionOwner: Sendable, Hashable, CustomStringConvertible {
  case account
  case channel(String)

  var description: String {
    switch self {
    case .account: "account"
    case .channel(let type): type
    }
  }
}

struct OptionFile {
  static let parts = ProgramParts(
    channels: .init(SMSChannel.self, MMSChannel.self, WhatsAppChannel.self, RCSChannel.self, MessengerChannel.self),
    sinks: .init(LogSink.self))

  private(set) var lines: [String] = []
  /// Where the key stands, where its value begins, and where the entry's first key stands.
  private(set) var key = SourcePosition(line: 0, column: 0)
  private(set) var value = SourcePosition(line: 0, column: 0)
  private(set) var entry = SourcePosition(line: 0, column: 0)

  /// - Parameters:
  ///   - path: the keys that lead to the option, from the entry on.
  ///   - text: its value as YAML, on one line.
  init(_ owner: OptionOwner, _ path: [String], _ text: String) {
    switch owner {
    case .account:
      lines = ["channels: []", "accounts:"]
      write([("id", "main"), ("accountSID", "sandbox")], path, text)
    case .channel(let type):
      lines = ["accounts:", "  - { id: main, accountSID: sandbox }", "channels:"]
      write([("id", "it"), ("type", type), ("from", Self.senders[type] ?? "[]")], path, text)
    }
  }

  /// Senders that are right, so that nothing but the option is wrong.
  private static let senders = [
    "sms": "[\"+15005550006\"]", "mms": "[\"+15005550006\"]", "whatsapp": "[\"+14155238886\"]",
    "rcs": "[\"rcs:brand_agent\"]", "messenger": "[\"100000000000001\"]",
  ]

  /// What must stand beside an option below the top, by its path or by what it is in.
  private static let companions = [
    "quietHours": ["from: \"21:00\"", "to: \"08:00\"", "timeZone: Europe/Berlin"],
    "quietHours.timeZone": ["from: \"21:00\"", "to: \"08:00\""],
    "quietHours.fallback": ["from: \"21:00\"", "to: \"08:00\""],
  ]

  private mutating func write(_ others: [(String, String)], _ path: [String], _ text: String) {
    entry = SourcePosition(line: lines.count + 1, column: 5)
    var written = others.filter { $0.0 != path[0] }.map { "\($0.0): \($0.1)" }
    for (depth, name) in path.enumerated() {
      let indent = String(repeating: "  ", count: depth)
      let isLast = depth == path.count - 1
      key = SourcePosition(line: lines.count + written.count + 1, column: 5 + indent.count)
      value = SourcePosition(line: key.line, column: key.column + name.count + 2)
      written.append("\(indent)\(name):\(isLast ? " " + text : "")")
      guard isLast, depth > 0 else { continue }
      let beside = Self.companions[path.joined(separator: ".")] ?? Self.companions[path[depth - 1]] ?? []
      written += beside.filter { !$0.hasPrefix(name + ":") }.map { indent + $0 }
    }
    lines += written.enumerated().map { ($0.offset == 0 ? "  - " : "    ") + $0.element }
  }

  /// What the gateway says to it at its start and in `fractal check`: the lines of all errors.
  func errors() -> [String] {
    do {
      let configuration = try GatewayConfiguration.parse(
        lines.joined(separator: "\n"), file: "channels.yaml", environment: [:], schema: Self.parts.schema)
      let settings = GatewaySettings(
        configuration: configuration, channels: Self.parts.channels, sinks: Self.parts.sinks,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
      _ = try GatewayApplication(settings).makeDirectory(
        publicURL: "https://gw.example.org", transport: UnusedTransport(), sandboxURL: "http://127.0.0.1:1")
      return []
    } catch let error as ConfigurationError {
      return error.lines
    } catch {
      return ["\(error)"]
    }
  }
}

extension ConfigurationKey {
  /// The paths of this key and of all below it; a mapping with free names has the name `one`.
  var paths: [[String]] {
    func below(_ kind: Kind) -> [[String]] {
      switch kind {
      case .object(let keys): keys.flatMap(\.paths)
      case .dictionary(let element): [["one"]] + below(element).map { ["one"] + $0 }
      case .list(.object(let keys)): keys.flatMap(\.paths).map { ["0"] + $0 }
      default: []
      }
    }
    return [[name]] + below(kind).map { [name] + $0 }
  }

  /// What stands at the path below this key.
  func kind(at path: some Collection<String>) -> Kind? {
    var kind = kind
    for name in path {
      switch kind {
      case .object(let keys):
        guard let key = keys.first(where: { $0.name == name }) else { return nil }
        kind = key.kind
      case .dictionary(let element), .list(let element): kind = element
      default: return nil
      }
    }
    return kind
  }
}

/// Nothing is called while a configuration is checked.
private struct UnusedTransport: HTTPTransport {
  func send(
    _ request: HTTPRequest, body: [UInt8], deadline: Duration
  ) async throws(TransportFailure) -> (response: HTTPResponse, body: [UInt8]) {
    throw TransportFailure(mayHaveArrived: false, message: "a check calls nobody")
  }
}
