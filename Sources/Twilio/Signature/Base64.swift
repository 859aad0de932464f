// Base64 (RFC 4648 section 4) straight into bytes.

enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let alphabet = alphabet
    var encoded: [UInt8] = []
    encoded.reserveCapacity(48)
    var buffer: UInt32 = 0
    var pending = 0
    for byte in bytes {
      buffer = buffer << 8 | UInt32(byte)
      pending += 1
      if pending == 3 {
        encoded.append(alphabet[Int(buffer >> 18)])
        encoded.append(alphabet[Int(buffer >> 12 & 0x3F)])
        encoded.append(alphabet[Int(buffer >> 6 & 0x3F)])
        encoded.append(alphabet[Int(buffer & 0x3F)])
        buffer = 0
        pending = 0
      }
    }
    if pending == 1 {
      encoded.append(alphabet[Int(buffer >> 2 & 0x3F)])
      encoded.append(alphabet[Int(buffer << 4 & 0x3F)])
      encoded.append(contentsOf: [UInt8(ascii: "="), UInt8(ascii: "=")])
    } else if pending == 2 {
      encoded.append(alphabet[Int(buffer >> 10 & 0x3F)])
      encoded.append(alphabet[Int(buffer >> 4 & 0x3F)])
      encoded.append(alphabet[Int(buffer << 2 & 0x3F)])
      encoded.append(UInt8(ascii: "="))
    }
    return encoded
  }
}
