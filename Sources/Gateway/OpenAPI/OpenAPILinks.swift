// What may be asked next of a resource that an answer shows (OpenAPI 3.1, "Link Object").

import HTTPTypes

enum OpenAPILinks {
  /// The operations on a resource that `operation` has made, given its id; nil: there are none.
  static func node(after operation: APIOperation, _ answer: APIOperation.Answer) -> DocumentNode? {
    guard operation.method == .post, answer.schema != nil else { return nil }
    let resource = operation.path + "/:id"
    let following = APIOperations.all.filter { next in
      (next.path == resource || next.path.hasPrefix(resource + "/"))
        && next.parameters.count(where: { $0.place == .path }) == 1
    }
    guard !following.isEmpty else { return nil }
    return .object(
      following.map { next in
        (
          next.name,
          .object([
            ("operationId", .text(next.name)),
            ("parameters", .object([("id", .text("$response.body#/id"))])),
          ])
        )
      })
  }
}
