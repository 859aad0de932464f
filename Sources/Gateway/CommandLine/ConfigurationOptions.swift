// The options that commands share, and how a configuration is found.

import ArgumentParser
import ChannelProtocol
import Foundation

struct ConfigurationOptions: ParsableArguments {
  @Option(name: .long, help: "The configuration file.")
  var config = "channels.yaml"

  func load(_ parts: ProgramParts) throws(ConfigurationError) -> GatewayConfiguration {
    try GatewayConfiguration.load(
      path: config, environment: ProcessInfo.processInfo.environment, schema: parts.schema)
  }
}
