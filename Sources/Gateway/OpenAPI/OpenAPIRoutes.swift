// /openapi.json and /docs. No key: they say nothing of what is kept here.

import HTTPTypes
import Hummingbird
import NIOCore

extension APIRouter {
  mutating func addDescription(publicURL: String) {
    let json = OpenAPIDocument.json(publicURL: publicURL)
    let tag = EntityTag(of: json)
    on(.get, "/openapi.json", scope: nil) { request, _ in
      var headers: HTTPFields = [.eTag: tag.text, .cacheControl: "public, no-cache"]
      if let known = tag.named(inIfNoneMatch: request.headers[.ifNoneMatch]) {
        headers[.eTag] = known
        headers.addVary("Accept-Encoding")
        return Response(status: .notModified, headers: headers)
      }
      return Response(.ok, json: json, headers: headers)
    }

    let page = ByteBuffer(string: DocumentationPage.html(publicURL: publicURL))
    on(.get, "/docs", scope: nil) { _, _ in
      Response(
        status: .ok,
        headers: [
          .contentType: "text/html; charset=utf-8", .xContentTypeOptions: "nosniff",
          .contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
            + "form-action 'none'; frame-ancestors 'none'",
        ], body: ResponseBody(byteBuffer: page))
    }
  }
}
