// The body of an upload: the file itself, or a form with the file in its field `file`.

import HTTPTypes
import Hummingbird
import NIOCore

enum MediaUpload {
  /// A form is somewhat more than its file.
  static let maximumBody = MediaShelf.maximumSize + (1 << 20)

  /// The field of a form.
  private static let field = "file"

  /// - Throws: ``Problem``: 400 a broken form, 413 too large, 415 no type or another multipart, 422 empty or no file.
  static func read(_ request: Request) async throws -> MultipartUpload.Part {
    guard let type = request.headers[.contentType] else { throw unsupported }
    try JSONBody.checkCoding(request.headers)
    let part: MultipartUpload.Part
    if let boundary = MultipartUpload.boundary(type) {
      part = try await form(request, boundary: boundary)
    } else if type.lowercased().hasPrefix("multipart/") {
      throw unsupported
    } else {
      part = .init(filename: nil, contentType: type, bytes: try await whole(request))
    }
    guard !part.bytes.isEmpty else { throw Problem(.unprocessableContent, "invalid_request", "The file is empty.") }
    return part
  }

  private static var unsupported: Problem {
    Problem(
      .unsupportedMediaType, "unsupported_media_type",
      "The body must be the file itself, with its Content-Type, or multipart/form-data with the file in the field `\(field)`."
    )
  }

  private static var tooLarge: Problem {
    Problem(.contentTooLarge, "too_large", "A file may have \(MediaShelf.maximumSize) bytes at most.")
  }

  private static func whole(_ request: Request) async throws -> [UInt8] {
    var request = request
    do {
      let bytes = try await request.collectBody(upTo: MediaShelf.maximumSize)
      try request.checkWhole(bytes)
      return Array(bytes.readableBytesView)
    } catch is NIOTooManyBytesError {
      throw tooLarge
    } catch let error as HTTPError where error.status == .contentTooLarge {
      throw tooLarge
    }
  }

  /// Taken as it comes: what is too large ends the reading.
  private static func form(_ request: Request, boundary: String) async throws -> MultipartUpload.Part {
    var upload = MultipartUpload(boundary: boundary, field: field, limit: MediaShelf.maximumSize)
    do {
      for try await piece in request.body { try upload.take(piece.readableBytesView) }
      return try upload.finish()
    } catch let fault as MultipartUpload.Fault {
      throw problem(of: fault)
    }
  }

  private static func problem(of fault: MultipartUpload.Fault) -> Problem {
    switch fault {
    case .malformed(let words): Problem(.badRequest, "malformed_form", "The form cannot be read: \(words).")
    case .tooLarge: tooLarge
    case .missing: .invalid(field, "is required: the file")
    case .repeated: .invalid(field, "must be given once")
    }
  }
}
