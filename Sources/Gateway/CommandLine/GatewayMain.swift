// The program: what a `main` calls with its channels and sinks.

import ArgumentParser
import ChannelProtocol
import Foundation
import Logging
import Sinks

/// Runs the command line of a gateway that knows these channels and sinks.
///
/// ```swift
/// await GatewayMain.run(channels: .init(SMSChannel.self), sinks: .init(LogSink.self))
/// ```
public enum GatewayMain {
  /// Reads the process's arguments, runs the command, and ends the process with its exit code.
  public static func run(channels: ChannelRegistry, sinks: SinkRegistry) async -> Never {
    signal(SIGPIPE, SIG_IGN)
    let code = await run(
      Array(CommandLine.arguments.dropFirst()), ProgramParts(channels: channels, sinks: sinks))
    exit(code)
  }

  private static func run(_ arguments: [String], _ parts: ProgramParts) async -> Int32 {
    do {
      var command = try FractalCommand.parseAsRoot(arguments)
      if let command = command as? any GatewayCommand {
        try await command.run(parts)
      } else {
        try command.run()
      }
      return 0
    } catch let failure as StartupFailure {
      StandardError.write("fractal: \(failure)\n")
      return 1
    } catch let error as ConfigurationError {
      StandardError.write("\(error)\n")
      return 1
    } catch {
      let code = FractalCommand.exitCode(for: error)
      let message = FractalCommand.fullMessage(for: error)
      if code == .success { print(message) } else if !message.isEmpty { StandardError.write(message + "\n") }
      return code.rawValue
    }
  }
}

/// What a program is made of, beside the engine.
struct ProgramParts: Sendable {
  let channels: ChannelRegistry
  let sinks: SinkRegistry

  var schema: ConfigurationSchema { ConfigurationSchema(channels: channels, sinks: sinks) }
}

/// A command that is run with the program's parts: argument parsing makes commands by itself and cannot hand them on.
protocol GatewayCommand: ParsableCommand {
  func run(_ parts: ProgramParts) async throws
}

struct FractalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fractal", abstract: "A self-hosted messaging gateway on Twilio.",
    version: GatewayVersion.current,
    subcommands: [ServeCommand.self, CheckCommand.self, MigrateCommand.self, KeysCommand.self, SandboxCommand.self],
    defaultSubcommand: ServeCommand.self)
}

enum GatewayVersion {
  static let current = "0.1.0"
}

/// Words for a person, past the log.
enum StandardError {
  static func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}
