// `fractal check`

import ArgumentParser
import ChannelProtocol
import Foundation
import Logging
import NIOPosix

struct CheckCommand: GatewayCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Checks a configuration and prints the URLs to enter at Twilio.")

  @Argument(help: "The configuration file.")
  var file = "channels.yaml"

  @Flag(help: "Print the JSON Schema of the configuration file, for editors.")
  var schema = false

  /// Retries that Twilio makes only when the URL asks for them; the fragment is neither sent nor signed.
  private static let connectionOverrides = "#rc=5&rp=all"

  func run(_ parts: ProgramParts) async throws {
    if schema { return print(try parts.schema.jsonSchemaText()) }
    let configuration = try GatewayConfiguration.load(
      path: file, environment: ProcessInfo.processInfo.environment, schema: parts.schema)
    let publicURL = configuration.server.publicURL ?? "http://localhost:\(configuration.server.port)"
    let transport = HTTPClientTransport(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
    let settings = GatewaySettings(
      configuration: configuration, channels: parts.channels, sinks: parts.sinks,
      logger: Logger(label: "fractal") { _ in SwiftLogNoOpLogHandler() })
    let result = Result {
      try GatewayApplication(settings).makeDirectory(
        publicURL: publicURL, transport: transport, sandboxURL: "http://127.0.0.1:1")
    }
    await transport.close()
    let directory = try result.get()
    print("\(file) is good: \(directory.channels.count) channels, \(configuration.sinks.count) sinks.")
    print("Enter at Twilio, for each number or sender:")
    for purpose in [WebhookRoute.Purpose.incoming, .status] {
      let paths = Set(directory.channels.compactMap { $0.path(for: purpose) }).sorted()
      for path in paths {
        print(
          "  \(purpose == .incoming ? "a message comes in" : "status callback   ")  \(publicURL)\(path)\(Self.connectionOverrides)"
        )
      }
    }
    if configuration.server.publicURL == nil {
      print("Set APP_URL to the address under which Twilio reaches this gateway.")
    }
  }
}
