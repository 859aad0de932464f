// Durations as fractions of others.

extension Duration {
  package static func / (left: Duration, right: Duration) -> Double {
    let (a, b) = (left.components, right.components)
    return (Double(a.seconds) + Double(a.attoseconds) / 1e18) / (Double(b.seconds) + Double(b.attoseconds) / 1e18)
  }
}
