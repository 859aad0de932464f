// Files in tests: sent by a phone, read as bytes.

import AsyncHTTPClient
import ChannelProtocol
import Foundation
import NIOCore
import NIOHTTP1
import Testing

extension WholeGateway {
  struct FileAnswer: Sendable {
    var status: Int
    var headers: [String: String]
    var bytes: [UInt8]
    /// Where it came from, after all redirects.
    var url: String?
  }

  func file(
    _ path: String, method: String = "GET", key: String? = nil, headers: [(String, String)] = []
  ) async throws -> FileAnswer {
    try await Self.file(
      base + path, method: method, headers: [("Authorization", "Bearer \(key ?? self.key)")] + headers)
  }

  static func file(
    _ url: String, method: String = "GET", headers: [(String, String)] = [], client: HTTPClient = .shared
  ) async throws -> FileAnswer {
    var request = HTTPClientRequest(url: url)
    request.method = .init(rawValue: method)
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    let response = try await client.execute(request, timeout: .seconds(30))
    let bytes = try await response.body.collect(upTo: 32 << 20)
    return FileAnswer(
      status: Int(response.status.code),
      headers: Dictionary(
        response.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first }),
      bytes: Array(bytes.readableBytesView), url: response.url?.absoluteString)
  }

  /// Sets what goes wrong at the sandbox.
  func chaos(_ json: String) async throws {
    let answer = try await Self.exchange(
      "POST", sandbox + "/sandbox/chaos", body: json, headers: [("Content-Type", "application/json")])
    #expect(answer.status == 200, "\(answer.text)")
  }

  /// A phone sends one file. Returns its resource once its fetch has ended.
  /// - Parameter base64: nil: the sandbox's own sample.
  func receivePicture(base64: String?, type: String = "image/png") async throws -> JSONValue {
    var file: [String: JSONValue] = ["contentType": .string(type)]
    if let base64 { file["base64"] = .string(base64) }
    let received = try await textIn([
      "from": "+14155550124", "to": "+15005550006", "body": "Picture", "media": .array([.object(file)]),
    ])
    #expect(received.json["webhook"]?["status"] == 200, "\(received.text)")
    func item(_ json: JSONValue) -> JSONValue? {
      json["data"]?.arrayValue?.first?["media"]?.arrayValue?.first
    }
    return try #require(
      item(try await eventually("/api/messages?limit=1") { item($0)?["state"].map { $0 != "pending" } ?? false }))
  }
}
