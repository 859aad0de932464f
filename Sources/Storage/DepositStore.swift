// What the engine asks of its database about interactive content that providers keep.

/// Remembers, for all nodes, under which id a provider has content that was deposited with it.
public protocol DepositStore: Sendable {
  /// nil: it has not been deposited in this account, as far as we know.
  func depositSID(digest: String, account: String) async throws -> String?
  /// Returns the id that is remembered from now on: another node may have been first.
  func rememberDeposit(_ sid: String, digest: String, account: String) async throws -> String
  /// The provider no longer has it under this id; what another node has deposited meanwhile stays.
  func forgetDeposit(_ sid: String, digest: String, account: String) async throws
  /// Forgets what no message has used for this long: the next one deposits it anew.
  func expireDeposits(olderThan age: Duration) async throws
}
