// The page that walks through the channel tells the truth.

import Foundation
import Testing

@Suite("docs/adding-a-channel.md")
struct PostboxPageTests {
  private static let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.example.appending(path: path), encoding: .utf8)
  }

  private func pieces(_ language: String) throws -> [String] {
    try text("../../docs/adding-a-channel.md").components(separatedBy: "```\(language)\n").dropFirst()
      .map { $0.components(separatedBy: "```")[0] }
  }

  @Test("every piece of code on the page is compiled and tested here")
  func code() throws {
    let code = try ["Channel/PostboxChannel.swift", "Tests/PostboxTests.swift", "Program/main.swift"].map(text).joined()
    // A package of one's own is not quite like this one; and the imports are only some of a file's.
    let pieces = try pieces("swift").filter { !$0.contains("PackageDescription") && !$0.contains("@testable") }
      .filter { $0.contains("GatewayMain") || !$0.hasPrefix("import ") }
    #expect(pieces.count >= 7)
    for piece in pieces { #expect(code.contains(piece), "\(piece.prefix(80))") }
  }

  @Test("so is its piece of configuration")
  func configuration() throws {
    let pieces = try pieces("yaml")
    #expect(pieces.count == 1)
    let file = try text("channels.yaml")
    for piece in pieces { #expect(file.contains(piece)) }
  }
}
