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
      return try await services.media.answer.answer(try context.identifier("id", of: "file"), request, context)
    }

    // Twilio asks for what we send here, with HEAD and GET, and has no key: the path is the permission.
    on(.get, "/media/:id/:token", scope: nil) { request, context in
      let id = try context.identifier("id", of: "file")
      guard services.media.links.accepts(context.parameters.get("token") ?? "", for: id, now: services.clock.now())
      else { throw Problem.notFound("file") }
      return try await services.media.answer.answer(id, request, context)
    }

    on(.post, "/api/media", scope: .send, readsQuery: true, bodyLimit: MediaUpload.maximumBody) { request, context in
      var query = QueryReader(request)
      let given = query.string("filename")
      try query.finish()
      let upload = try await MediaUpload.read(request)
      let filename = (given ?? upload.filename).map(ContentDisposition.sane)
      if given != nil, filename?.isEmpty ?? false { throw Problem.invalid("filename", "is not the name of a file") }
      let bytes = upload.bytes
      let id = context.makeIdentifier(services.clock)
      var file = MediaFile(
        id: id, state: .ready, contentType: MediaTypeName(upload.contentType).text, size: bytes.count,
        filename: filename?.isEmpty ?? true ? nil : filename, place: nil, createdAt: services.clock.now())
      if context.isRepeated, let made = try await services.store.mediaFile(id) {
        file = made
      } else {
        try await services.media.shelf.add(file, bytes: bytes)
      }
      let url = services.media.links.apiURL(id)
      return Response(.created, headers: [.location: "/api/media/\(id)"]) { [file] writer in
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
