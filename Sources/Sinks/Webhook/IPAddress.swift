// An IP address as a number, so that rules about it are arithmetic and no text form can slip past them.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An IPv4 or IPv6 address without a zone.
public enum IPAddress: Sendable, Hashable {
  case v4(UInt32)
  case v6(UInt128)

  /// Reads the strict text forms only (`inet_pton`): four decimal numbers, or RFC 4291 section 2.2 without a zone.
  public init?(_ text: some StringProtocol) {
    let text = String(text)
    var packed = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, text, &packed) == 1 {
      self.init(packed: Array(packed[..<4]))
    } else if inet_pton(AF_INET6, text, &packed) == 1 {
      self.init(packed: packed)
    } else {
      return nil
    }
  }

  /// Reads 4 or 16 bytes in network order.
  init?(packed bytes: [UInt8]) {
    switch bytes.count {
    case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
    case 16: self = .v6(bytes.reduce(0) { $0 << 8 | UInt128($1) })
    default: return nil
    }
  }

  /// The bytes in network order.
  var packed: [UInt8] {
    switch self {
    case .v4(let value): (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) }
    case .v6(let value): (0..<16).map { UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * $0)) }
    }
  }

  /// The IPv4 address where this is an IPv4-mapped one (`::ffff:0:0/96`), else the address itself.
  public var unwrapped: IPAddress {
    if case .v6(let value) = self, value >> 32 == 0xFFFF { .v4(UInt32(truncatingIfNeeded: value)) } else { self }
  }

  /// How many bits an address of this family has.
  var width: Int { if case .v4 = self { 32 } else { 128 } }
}

extension IPAddress: CustomStringConvertible {
  public var description: String {
    let bytes = packed
    if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard bytes.withUnsafeBytes({ inet_ntop(AF_INET6, $0.baseAddress, &text, socklen_t(text.count)) }) != nil
    else { return "?" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// A block of addresses: a prefix and its length.
public struct AddressBlock: Sendable, Hashable {
  let base: IPAddress
  let prefixLength: Int

  /// Reads `10.0.0.0/8`, `fd00::/8`, or a single address; an IPv4-mapped block becomes the IPv4 block.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(first) else { return nil }
    var length = address.width
    if parts.count == 2 {
      guard parts[1].utf8.count <= 3, parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
        let number = Int(parts[1]), number <= length
      else { return nil }
      length = number
    }
    if address.unwrapped != address, length >= 96 {
      self.init(base: address.unwrapped, prefixLength: length - 96)
    } else {
      self.init(base: address, prefixLength: length)
    }
  }

  init(base: IPAddress, prefixLength: Int) {
    self.base = base
    self.prefixLength = prefixLength
  }

  public func contains(_ address: IPAddress) -> Bool {
    switch (base, address) {
    case (.v4(let left), .v4(let right)): prefixLength == 0 || (left ^ right) >> UInt32(32 - prefixLength) == 0
    case (.v6(let left), .v6(let right)): prefixLength == 0 || (left ^ right) >> UInt128(128 - prefixLength) == 0
    default: false
    }
  }
}
