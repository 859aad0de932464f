// The body of a request that must be one JSON document: its type, its size, its words.

import ChannelProtocol
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

enum JSONBody {
  /// All of a body, within `limit` bytes.
  /// - Throws: ``Problem``: 400 it ends early, 413 too large.
  static func bytes(_ request: inout Request, limit: Int) async throws -> [UInt8] {
    let tooLarge = Problem(.contentTooLarge, "too_large", "The body may have \(limit) bytes at most.")
    do {
      let bytes = try await request.collectBody(upTo: limit)
      try request.checkWhole(bytes)
      return Array(bytes.readableBytesView)
    } catch is NIOTooManyBytesError {
      throw tooLarge
    } catch let error as HTTPError where error.status == .contentTooLarge {
      throw tooLarge
    }
  }

  /// - Throws: ``Problem``: 415 where the body says that it is no JSON, is in another charset, or is compressed.
  static func checkType(_ headers: HTTPFields) throws(Problem) {
    let parts = (headers[.contentType] ?? "").split(separator: ";", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces).lowercased()
    }
    guard parts.first == "application/json" else {
      throw Problem(.unsupportedMediaType, "unsupported_media_type", "The body must be application/json.")
    }
    for parameter in parts.dropFirst() where parameter.hasPrefix("charset=") {
      let charset = parameter.dropFirst("charset=".count).trimmingCharacters(in: ["\""])
      guard charset == "utf-8" || charset == "utf8" || charset == "us-ascii" else {
        throw Problem(.unsupportedMediaType, "unsupported_media_type", "The body must be UTF-8, not \(charset).")
      }
    }
    try checkCoding(headers)
  }

  /// - Throws: ``Problem``: 415 where the body is compressed.
  static func checkCoding(_ headers: HTTPFields) throws(Problem) {
    if let coding = headers[.contentEncoding], coding.lowercased() != "identity" {
      throw Problem(.unsupportedMediaType, "unsupported_media_type", "The body must not be compressed.")
    }
  }

  /// - Throws: ``Problem``: 400 malformed, 422 well-formed but not what JSON should be, or no object.
  static func members(_ bytes: [UInt8]) throws(Problem) -> [String: JSONValue] {
    let value: JSONValue
    do throws(StrictJSON.Failure) {
      value = try StrictJSON.parse(bytes)
    } catch {
      throw Problem(error)
    }
    guard let members = value.objectValue else {
      throw Problem(.unprocessableContent, "invalid_request", "The body must be a JSON object.")
    }
    return members
  }
}

extension Request {
  /// - Throws: ``Problem`` where fewer bytes came than were announced.
  func checkWhole(_ body: ByteBuffer) throws(Problem) {
    guard let length = headers[.contentLength].flatMap({ Int($0) }), length > body.readableBytes else { return }
    throw .brokenBody
  }
}

extension Problem {
  init(_ failure: StrictJSON.Failure) {
    switch failure {
    case .malformed(let position):
      self.init(.badRequest, "malformed_json", "The body is not well-formed JSON (byte \(position)).")
    case .tooDeep:
      self.init(
        .badRequest, "malformed_json", "The body is nested too deep: \(StrictJSON.maximumDepth) levels at most.")
    case .repeated(let path): self = .invalid(path, "is given twice")
    case .outOfRange(let path): self = .invalid(path, "is a number that does not fit")
    }
  }
}
