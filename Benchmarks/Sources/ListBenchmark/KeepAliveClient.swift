// A client with one connection, which takes nothing that could be measured in the server's place.

import BenchmarkSupport
import Foundation
import Glibc

final class KeepAliveClient {
  private let descriptor: Int32
  private let head: String
  private var buffer: [UInt8] = []

  init(port: Int, key: String) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    head = "Host: 127.0.0.1:\(port)\r\nAuthorization: Bearer \(key)\r\n\r\n"
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw BenchmarkFailure("cannot connect: \(String(cString: strerror(errno)))") }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    // A server that does not answer ends the benchmark.
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { _ = close(descriptor) }

  /// - Returns: the body of a 200.
  func get(_ path: String) throws -> [UInt8] {
    let request = Array("GET \(path) HTTP/1.1\r\n\(head)".utf8)
    guard send(descriptor, request, request.count, 0) == request.count else {
      throw BenchmarkFailure("the connection ended")
    }
    let end = Array("\r\n\r\n".utf8)
    var scanned = 0
    while true {
      if let range = buffer[max(0, scanned - 3)...].firstRange(of: end) {
        let text = String(decoding: buffer[..<range.lowerBound], as: UTF8.self)
        let start = range.upperBound
        let length = try contentLength(text)
        while buffer.count < start + length { try receive() }
        let body = Array(buffer[start..<start + length])
        buffer.removeFirst(start + length)
        guard text.hasPrefix("HTTP/1.1 200") else {
          throw BenchmarkFailure("\(path): \(text.prefix(40)) \(String(decoding: body, as: UTF8.self))")
        }
        return body
      }
      scanned = buffer.count
      try receive()
    }
  }

  private func contentLength(_ head: String) throws -> Int {
    for line in head.split(separator: "\r\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2, parts[0].lowercased() == "content-length",
        let length = Int(parts[1].trimmingCharacters(in: .whitespaces))
      {
        return length
      }
    }
    throw BenchmarkFailure("an answer without a length")
  }

  private func receive() throws {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    guard count > 0 else { throw BenchmarkFailure("the connection ended, or no answer came in a minute") }
    buffer += chunk[..<count]
  }
}
