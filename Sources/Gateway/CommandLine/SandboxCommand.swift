// `fractal sandbox`

import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import TwilioSandbox
import UnixSignals

struct SandboxCommand: GatewayCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandbox", abstract: "Runs the built-in Twilio look-alike alone.")

  @Option(help: "The port; 0: any free one.")
  var port = 3010

  @Option(help: "Where incoming messages are posted.")
  var webhook: String?

  func run(_ parts: ProgramParts) async throws {
    LogBootstrap.bootstrapOnce(environment: ProcessInfo.processInfo.environment)
    var configuration = SandboxConfiguration()
    configuration.port = port
    configuration.accounts = [SandboxAccount(webhooks: SandboxWebhooks(incoming: webhook))]
    configuration.logger = Logger(label: "sandbox")
    configuration.logger.logLevel = max(configuration.logger.logLevel, .warning)
    let sandbox = Sandbox(configuration)
    let announcing = Task {
      let url = try await sandbox.started()
      StandardError.write(
        """

        The Twilio sandbox is up at \(url)
          account  \(SandboxAccount.defaultSID)
          token    \(SandboxAccount.defaultAuthToken)
          help     curl \(url)/sandbox/


        """)
    }
    defer { announcing.cancel() }
    do {
      try await ServiceGroup(
        services: [sandbox], gracefulShutdownSignals: [.sigterm, .sigint], logger: configuration.logger
      ).run()
    } catch {
      throw StartupFailure("the sandbox cannot listen on port \(port): is it taken?")
    }
  }
}
