// A file as an answer: its headers, the part that is asked for, and its bytes a piece at a time.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Storage

/// Answers requests for files. Nothing that a contact sent ever runs as a page of ours: the type is not guessed at,
/// what could hold a script is only ever saved, and a sandbox is around the rest.
struct MediaAnswer: Sendable {
  let store: any MediaStore
  let shelf: MediaShelf
  let logger: Logger

  /// - Throws: ``Problem``: 404 unknown, 409 not there yet, 404 finally failed, 502 the provider does not give it.
  func answer(_ id: Identifier, _ request: Request, _ context: APIContext) async throws -> Response {
    guard var file = try await store.mediaFile(id) else { throw Problem.notFound("file") }
    if file.place == nil, let upload = file.source.flatMap({ Identifier($0) }) {
      // One of ours, by reference: a message may be one of several with the same file.
      guard let uploaded = try await store.mediaFile(upload) else { throw Problem.notFound("file") }
      file = uploaded
    }
    switch file.state {
    case .pending:
      throw Problem(
        .conflict, "media_pending", "The file has not been fetched yet; message.media tells when it has.",
        headers: [.retryAfter: "1"])
    case .failed:
      throw Problem(.notFound, "media_failed", "The file could not be fetched: \(file.error ?? "unknown").")
    case .ready: break
    }
    guard file.place != nil, let size = file.size else { return try elsewhere(file) }
    return try await answer(file, size: size, request, context)
  }

  /// What we sent by its URL only: it is where it was.
  private func elsewhere(_ file: MediaFile) throws(Problem) -> Response {
    guard let url = file.source, !url.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) else {
      throw .notFound("file")
    }
    return Response(status: .found, headers: [.location: url, .cacheControl: "no-store"])
  }

  private func answer(
    _ file: MediaFile, size: Int, _ request: Request, _ context: APIContext
  ) async throws -> Response {
    // A file never changes, so its id says all.
    let tag = "\"\(file.id)\""
    var headers = Self.headers(file, tag: tag)
    if EntityTags.contain(request.headers[.ifNoneMatch], tag) {
      return Response(status: .notModified, headers: headers)
    }
    var range = 0..<size
    var status = HTTPResponse.Status.ok
    if request.method == .get, EntityTags.allowPart(request.headers[.ifRange], tag) {
      switch ByteRange(request.headers[.range], size: size) {
      case .whole: break
      case .part(let part):
        range = part
        status = .partialContent
        headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
      case .unsatisfiable:
        throw Problem(
          .rangeNotSatisfiable, "range_not_satisfiable", "The file has \(size) bytes.",
          headers: [.contentRange: "bytes */\(size)"])
      }
    }
    guard request.method == .get else {
      headers[.contentLength] = String(size)
      return Response(status: status, headers: headers)
    }
    let body =
      file.place == .provider
      ? try await passed(file, range, size: size, context) : try await body(file, range)
    return Response(status: status, headers: headers, body: body)
  }

  static func headers(_ file: MediaFile, tag: String) -> HTTPFields {
    let type = MediaTypeName(file.contentType)
    return [
      .contentType: type.text,
      .contentDisposition: ContentDisposition.header(filename: file.filename, type: type, fallback: "\(file.id)"),
      .xContentTypeOptions: "nosniff", .contentSecurityPolicy: "sandbox; default-src 'none'",
      .eTag: tag, .acceptRanges: "bytes", .cacheControl: "private, no-cache",
    ]
  }

  /// The first piece is had before the answer begins, so that what fails at once is a problem document.
  private func body(_ file: MediaFile, _ range: Range<Int>) async throws -> ResponseBody {
    let pieceSize = MediaShelf.partSize
    let first = range.prefix(pieceSize)
    let head: [UInt8]
    do {
      head = try await shelf.bytes(of: file, in: first)
    } catch {
      throw problem(of: error, file)
    }
    guard first.count < range.count else { return ResponseBody(byteBuffer: ByteBuffer(bytes: head)) }
    return ResponseBody(contentLength: range.count) { [shelf] writer in
      try await writer.write(ByteBuffer(bytes: head))
      var rest = range.dropFirst(pieceSize)
      while !rest.isEmpty {
        try await writer.write(ByteBuffer(bytes: try await shelf.bytes(of: file, in: rest.prefix(pieceSize))))
        rest = rest.dropFirst(pieceSize)
      }
      try await writer.finish(nil)
    }
  }

  /// A file that only the provider has, as it comes. The provider has agreed before the answer begins.
  private func passed(
    _ file: MediaFile, _ range: Range<Int>, size: Int, _ context: APIContext
  ) async throws -> ResponseBody {
    guard !range.isEmpty else { return ResponseBody() }
    let passage: MediaPassage
    do {
      passage = try await shelf.passage(of: file, in: range, size: size)
    } catch {
      throw problem(of: error, file)
    }
    return ResponseBody(contentLength: range.count) { writer in
      // Between two pieces a client's leaving would not be heard of.
      try await ClientWatch.during(context.channel, hasGone: { passage.cancel() }) {
        try await passage.run { try await writer.write(ByteBuffer(bytes: $0)) }
        try await writer.finish(nil)
      }
    }
  }

  private func problem(of error: any Error, _ file: MediaFile) -> any Error {
    if let failure = error as? MediaFailure {
      return Problem(
        .badGateway, "media_unavailable", "The file is not to be had at the moment: \(failure.message)")
    }
    guard let failure = error as? MediaDirectoryFailure else { return error }
    logger.error("a file could not be read", metadata: ["mediaID": "\(file.id)", "error": "\(failure)"])
    return Problem(.internalServerError, "media_unavailable", "The file could not be read.")
  }
}
