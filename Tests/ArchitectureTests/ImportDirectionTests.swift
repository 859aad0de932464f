// The house's one rule of structure: a target imports only what Package.swift's map lets it see.

import Foundation
import Testing

/// Which of our targets each target may import (`docs/ARCHITECTURE.md`).
private let allowed: [String: Set<String>] = [
  "ChannelProtocol": [],
  "Twilio": ["ChannelProtocol"],
  "ChannelSMS": ["ChannelProtocol", "Twilio"],
  "ChannelWhatsApp": ["ChannelProtocol", "Twilio"],
  "ChannelRCS": ["ChannelProtocol", "Twilio"],
  "ChannelMessenger": ["ChannelProtocol", "Twilio"],
  "SocketIO": [],
  "Sinks": ["ChannelProtocol", "SocketIO"],
  "Postgres": ["CLibpq"],
  "Storage": ["ChannelProtocol", "Postgres"],
  "TwilioSandbox": [],
  "Gateway": ["ChannelProtocol", "Twilio", "Sinks", "SocketIO", "Postgres", "Storage", "TwilioSandbox"],
  "GatewayTesting": [
    "ChannelProtocol", "Twilio", "Sinks", "SocketIO", "Postgres", "Storage", "TwilioSandbox", "Gateway",
  ],
  "fractal": ["Gateway", "ChannelSMS", "ChannelWhatsApp", "ChannelRCS", "ChannelMessenger", "Sinks"],
]

private let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "Sources")

private func swiftFiles(in target: String) -> [URL] {
  let walk = FileManager.default.enumerator(at: sources.appending(path: target), includingPropertiesForKeys: nil)
  return (walk?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "swift" }
}

@Suite("The house's layers")
struct ImportDirectionTests {
  @Test("a target imports only what the map allows", arguments: allowed.keys.sorted())
  func importsFollowTheMap(target: String) throws {
    let ours = Set(allowed.keys).union(["CLibpq"])
    let files = swiftFiles(in: target)
    #expect(!files.isEmpty, "\(target) has no sources")
    for file in files {
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
        let words = line.split(separator: " ")
        guard let position = words.firstIndex(of: "import"), position <= 1, position + 1 < words.count else { continue }
        let module = String(words[position + 1])
        guard ours.contains(module) else { continue }
        #expect(allowed[target]?.contains(module) ?? false, "\(file.lastPathComponent) imports \(module)")
      }
    }
  }

  @Test("the engine knows no concrete channel, not even by name")
  func engineNamesNoAdapter() throws {
    for file in swiftFiles(in: "Gateway") {
      let text = try String(contentsOf: file, encoding: .utf8)
      let code = text.split(separator: "\n").filter { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("//") }
      for name in ["SMSChannel", "MMSChannel", "WhatsAppChannel", "RCSChannel", "MessengerChannel"] {
        #expect(!code.contains { $0.contains(name) }, "\(file.lastPathComponent) names \(name)")
      }
    }
  }

  @Test("a source file can be read at one sitting")
  func filesAreSmall() throws {
    for target in allowed.keys {
      for file in swiftFiles(in: target) {
        let lines = try String(contentsOf: file, encoding: .utf8).split(
          separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 400, "\(file.lastPathComponent) has \(lines.count) lines")
      }
    }
  }
}
