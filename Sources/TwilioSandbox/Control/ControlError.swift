// Why a control request cannot be done.

/// A control request that cannot be done, in words for a person.
public struct ControlError: Error, Sendable, Equatable {
  public var message: String
  public var status: Int

  init(_ message: String, status: Int = 400) {
    self.message = message
    self.status = status
  }
}
