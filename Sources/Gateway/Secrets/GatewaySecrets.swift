// The gateway's two secrets: from the environment, or made once and kept.

import ChannelProtocol

struct GatewaySecrets: Sendable {
  let apiKey: [UInt8]
  let box: SecretBox

  /// - Throws: ``StartupFailure`` where a database of one's own comes without its secrets: another node could not
  ///   read what this one keeps there.
  init(settings: GatewaySettings, state: StateDirectory) throws(StartupFailure) {
    let isShared = settings.configuration.database != .embedded
    apiKey = try Self.secret(
      settings.apiKeySecret, "API_KEY_SECRET", file: "api-key-secret", isShared: isShared, state: state)
    box = SecretBox(
      secret: try Self.secret(
        settings.webhookSigningSecret, "WEBHOOK_SIGNING_SECRET", file: "webhook-signing-secret", isShared: isShared,
        state: state))
  }

  private static func secret(
    _ value: String?, _ variable: String, file: String, isShared: Bool, state: StateDirectory
  ) throws(StartupFailure) -> [UInt8] {
    if let value {
      guard value.utf8.count >= 16 else { throw StartupFailure("\(variable) is too short: 16 characters at least") }
      return Array(value.utf8)
    }
    guard !isShared else { throw StartupFailure("with DATABASE_URL set, \(variable) is required") }
    return try state.secret(file)
  }
}
