// A message sent again, and one that is only looked at.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Storage

extension APIRouter {
  mutating func addMessagesAgain(_ services: APIServices) {
    on(.post, "/api/messages/:id/resend", scope: .send) { request, context in
      let id = try context.identifier("id", of: "message")
      if var reader = try await BodyReader.readIfAny(request) { try reader.finish() }
      guard let detail = try await services.store.message(id) else { throw Problem.notFound("message") }
      guard detail.message.direction == .outbound else {
        throw Problem(.conflict, "not_resendable", "A message that came in cannot be sent again.")
      }
      let media = try await services.store.mediaSources(of: id)
      let message = try await services.intake.accept(
        SendRequest(resending: detail.message, media: media), as: context.held)
      return Response(.accepted, headers: [.location: "/api/messages/\(message.id)"]) { message.write(to: &$0) }
    }

    on(.post, "/api/messages/preview", scope: .send) { request, _ in
      let preview = try await services.intake.preview(SendRequest(try await BodyReader.read(request)))
      let now = services.clock.now()
      return Response { preview.write(to: &$0, now: now) }
    }
  }
}
