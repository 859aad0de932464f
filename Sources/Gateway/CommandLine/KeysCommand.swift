// `fractal keys create`

import ArgumentParser
import ChannelProtocol
import Foundation
import Logging
import Storage

struct KeysCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "API keys.", subcommands: [CreateKeyCommand.self])
}

struct CreateKeyCommand: GatewayCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Makes an API key and prints it, once, on the last line of standard output.")

  @Option(help: "What the key is for.")
  var name: String

  @Option(help: "What it may do: read, send, manage, by comma.")
  var scopes = "read,send"

  @OptionGroup var options: ConfigurationOptions

  func run(_ parts: ProgramParts) async throws {
    let scopes = try parsedScopes()
    let configuration = try options.load(parts)
    let settings = GatewaySettings(
      configuration: configuration, channels: parts.channels, sinks: parts.sinks,
      environment: ProcessInfo.processInfo.environment,
      logger: Logger(label: "fractal") { _ in SwiftLogNoOpLogHandler() })
    let state = StateDirectory(path: settings.directory)
    try state.make()
    let secrets = try GatewaySecrets(settings: settings, state: state)
    let database = try await DatabaseStart.open(configuration.database, state: state, logger: settings.logger)
    let result: Result<String, any Error>
    do {
      _ = try await database.migrate(logger: settings.logger)
      result = .success(try await create(scopes, secrets: secrets, database: database, settings: settings))
    } catch {
      result = .failure(error)
    }
    await database.stop()
    print(try result.get())
  }

  private func parsedScopes() throws -> Set<APIKey.Scope> {
    var found: Set<APIKey.Scope> = []
    for word in scopes.split(separator: ",") {
      guard let scope = APIKey.Scope(rawValue: String(word).trimmingCharacters(in: .whitespaces)) else {
        throw ValidationError("\(word) is no scope; there are read, send and manage.")
      }
      found.insert(scope)
    }
    guard !found.isEmpty else { throw ValidationError("A key needs one scope at least.") }
    return found
  }

  private func create(
    _ scopes: Set<APIKey.Scope>, secrets: GatewaySecrets, database: DatabaseStart, settings: GatewaySettings
  ) async throws -> String {
    let store = PostgresMessageStore(
      configuration: database.configuration, context: ResourceContext(publicURL: ""), clock: settings.clock,
      logger: settings.logger)
    do {
      try store.start()
      let key = APIKeyHasher.makeKey()
      try await store.createKey(
        APIKey(
          id: settings.clock.makeIdentifier(), name: name, scopes: scopes, createdAt: settings.clock.now()),
        hash: APIKeyHasher(secret: secrets.apiKey).hash(key))
      await store.close()
      return key
    } catch {
      await store.close()
      throw error
    }
  }
}
