// Answers in fewer bytes: gzip and deflate (RFC 9110 sections 8.4.1 and 12.5.3).

import CZlib

/// A way to write a body smaller.
enum ContentCoding: String, Sendable, CaseIterable {
  case gzip, deflate

  /// The best coding that a client takes; nil: the body as it is.
  /// - Parameter accepted: the request's `Accept-Encoding`.
  static func preferred(_ accepted: String?) -> ContentCoding? {
    guard let accepted else { return nil }
    var weights: [Substring: Double] = [:]
    for item in accepted.lowercased().split(separator: ",") {
      let parts = item.split(separator: ";").map { $0.trimmed }
      guard let name = parts.first, !name.isEmpty else { continue }
      weights[name] = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
    }
    func weight(_ name: String) -> Double { weights[name[...]] ?? weights["*"] ?? 0 }
    let plain = weights["identity"] ?? 0
    let best = allCases.max { weight($0.rawValue) < weight($1.rawValue) }
    guard let best, weight(best.rawValue) > 0, weight(best.rawValue) >= plain else { return nil }
    // Of equals the one that everybody gets right.
    return weight(gzip.rawValue) == weight(best.rawValue) ? .gzip : best
  }

  /// The body in this coding; nil where it would not become smaller.
  func encode(_ body: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    // 15 bits of window; 16 more ask for gzip's frame in the place of zlib's, which HTTP calls deflate.
    let bits: Int32 = self == .gzip ? 15 + 16 : 15
    guard
      deflateInit2_(
        &stream, 5, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    var input = body
    // No room for more than the body itself: what does not fit is not worth it.
    var output = [UInt8](repeating: 0, count: body.count)
    let written = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output -> Int? in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(clamping: input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(clamping: output.count)
        guard CZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END else { return nil }
        return output.count - Int(stream.avail_out)
      }
    }
    return written.map { Array(output.prefix($0)) }
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = self
    while text.first?.isWhitespace ?? false { text = text.dropFirst() }
    while text.last?.isWhitespace ?? false { text = text.dropLast() }
    return text
  }
}
