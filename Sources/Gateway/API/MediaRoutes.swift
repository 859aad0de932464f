// /api/media, and /media for providers.

import ChannelProtocol
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Storage

extension APIRouter {
  mutating func addMedia(_ services: APIServices) {
    on(.get, "/api/media/:id", scope: .read) { request, context in
      var query = QueryReader(request)
      try query.finish()
      return try await services.media.answer.answer(try context.identifier("id", of: "file"), request)
    }

    // Twilio asks for what we send here, with HEAD and GET, and has no key: the path is the permission.
    on(.get, "/media/:id/:token", scope: nil) { request, context in
      let id = try context.identifier("id", of: "file")
      guard services.media.links.accepts(context.parameters.get("token") ?? "", for: id, now: services.clock.now())
      else { throw Problem.notFound("file") }
      return try await services.media.answer.answer(id, request)
    }

    on(.post, "/api/media", scope: .send, readsQuery: true) { request, _ in
      var query = QueryReader(request)
      let filename = query.string("filename").map(ContentDisposition.sane)
      try query.finish()
      if filename?.isEmpty ?? false { throw Problem.invalid("filename", "is not the name of a file") }
      let bytes = try await MediaUpload.read(request)
      let id = services.clock.makeIdentifier()
      let file = MediaFile(
        id: id, state: .ready, contentType: MediaTypeName(request.headers[.contentType]).text, size: bytes.count,
        filename: filename, place: nil, createdAt: services.clock.now())
      try await services.media.shelf.add(file, bytes: bytes)
      let url = services.media.links.apiURL(id)
      return Response(.created, headers: [.location: "/api/media/\(id)"]) { writer in
        writer.object { writer in
          writer.member("id", id)
          writer.member("state", file.state.rawValue)
          writer.member("contentType", file.contentType)
          writer.member("size", file.size)
          writer.member("filename", file.filename)
          writer.member("url", url)
          writer.member("createdAt", file.createdAt)
        }
      }
    }
  }
}

/// The body of an upload: the file itself.
private enum MediaUpload {
  /// - Throws: ``Problem``: 413 too large, 415 no type or a form, 422 empty.
  static func read(_ request: Request) async throws -> [UInt8] {
    let type = request.headers[.contentType]
    guard let type, !type.lowercased().hasPrefix("multipart/") else {
      throw Problem(
        .unsupportedMediaType, "unsupported_media_type", "The body must be the file itself, with its Content-Type.")
    }
    let tooLarge = Problem(.contentTooLarge, "too_large", "A file may have \(MediaShelf.maximumSize) bytes at most.")
    var request = request
    let buffer: ByteBuffer
    do {
      buffer = try await request.collectBody(upTo: MediaShelf.maximumSize)
    } catch is NIOTooManyBytesError {
      throw tooLarge
    } catch let error as HTTPError where error.status == .contentTooLarge {
      throw tooLarge
    }
    guard buffer.readableBytes > 0 else {
      throw Problem(.unprocessableContent, "invalid_request", "The body is empty.")
    }
    return Array(buffer.readableBytesView)
  }
}
