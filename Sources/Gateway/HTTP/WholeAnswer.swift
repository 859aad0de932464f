// An answer with all of its body in hand: to be kept, tagged or compressed.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import NIOCore

struct WholeAnswer: Sendable {
  var status: Int
  var headers: HTTPFields
  var body: [UInt8]

  init(status: Int, headers: HTTPFields = [:], body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  init(_ problem: Problem) {
    self.init(status: problem.status.code, headers: problem.headers, body: problem.json)
    headers[.contentType] = "application/problem+json"
  }

  /// Reads an answer's body to its end.
  init(_ response: Response) async throws {
    let collected = CollectedBody()
    try await response.body.write(collected)
    self.init(status: response.status.code, headers: response.headers, body: collected.bytes)
    headers[.contentLength] = nil
  }

  var response: Response {
    Response(
      status: .init(code: status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
  }

  /// Headers and body in one text, as they are kept: one header to a line, an empty line, the body.
  var kept: [UInt8] {
    var bytes: [UInt8] = []
    for field in headers { bytes += Array("\(field.name.canonicalName):\(field.value)\n".utf8) }
    bytes.append(UInt8(ascii: "\n"))
    return bytes + body
  }

  /// nil where the text is none of ours.
  init?(status: Int, kept bytes: [UInt8]) {
    var headers: HTTPFields = [:]
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      let line = rest[..<end]
      rest = rest[(end + 1)...]
      if line.isEmpty {
        self.init(status: status, headers: headers, body: Array(rest))
        return
      }
      let parts = String(decoding: line, as: UTF8.self).split(separator: ":", maxSplits: 1)
      guard parts.count == 2, let name = HTTPField.Name(String(parts[0])) else { return nil }
      headers.append(HTTPField(name: name, value: String(parts[1])))
    }
    return nil
  }
}

/// Takes a body's pieces as they are written.
private final class CollectedBody: ResponseBodyWriter {
  private(set) var bytes: [UInt8] = []

  func write(_ buffer: ByteBuffer) async throws { bytes += buffer.readableBytesView }
  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
