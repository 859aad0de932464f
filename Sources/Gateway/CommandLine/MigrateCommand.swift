// `fractal migrate`

import ArgumentParser
import Foundation
import Logging

struct MigrateCommand: GatewayCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate", abstract: "Brings the database to this program's schema.")

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "Gives the event log a new epoch, so that its readers start over: after files were copied back.")
  var newEpoch = false

  func run(_ parts: ProgramParts) async throws {
    let configuration = try options.load(parts)
    let logger = Logger(label: "fractal") { _ in SwiftLogNoOpLogHandler() }
    let state = StateDirectory()
    try state.make()
    let database = try await DatabaseStart.open(configuration.database, state: state, logger: logger)
    let result: Result<[String], any Error>
    do {
      result = .success(try await database.migrate(renamingLog: newEpoch, logger: logger))
    } catch {
      result = .failure(error)
    }
    await database.stop()
    let names = try result.get()
    if newEpoch { print("The event log has a new epoch.") }
    if names.isEmpty { print("The schema is up to date.") }
    for name in names { print("migrated: \(name)") }
  }
}
