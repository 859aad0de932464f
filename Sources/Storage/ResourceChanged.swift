// What a conditional change ends with where somebody else was first.

/// The resource is no longer the one that the change was meant for: nothing was done.
public struct ResourceChanged: Error, Sendable, Hashable {
  public init() {}
}
