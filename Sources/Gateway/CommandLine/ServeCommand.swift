// `fractal serve`

import ArgumentParser
import Foundation
import Logging

struct ServeCommand: GatewayCommand {
  static let configuration = CommandConfiguration(commandName: "serve", abstract: "Runs the gateway.")

  @OptionGroup var options: ConfigurationOptions

  func run(_ parts: ProgramParts) async throws {
    let environment = ProcessInfo.processInfo.environment
    LogBootstrap.bootstrapOnce(environment: environment)
    let settings = GatewaySettings(
      configuration: try options.load(parts), channels: parts.channels, sinks: parts.sinks, environment: environment,
      logger: Logger(label: "fractal"))
    settings.metrics.bootstrapOnce()
    LogWriter.standardError.measure(in: settings.metrics)
    try await GatewayApplication(settings).run(handlesSignals: true) { gateway in
      StandardError.write(Banner(gateway).text)
    }
  }
}
