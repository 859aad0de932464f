// /api/templates

import ChannelProtocol
import Hummingbird
import Storage

extension APIRouter {
  mutating func addTemplates(_ services: APIServices) {
    on(.get, "/api/templates", scope: .read) { request, _ in
      var query = QueryReader(request)
      var filter = TemplateQuery()
      filter.status = query.string("status")
      filter.language = query.string("language")
      filter.search = query.string("search")
      let page = query.page(services.cursors)
      try query.finish()
      return .page(try await services.store.templates(filter, page: page.request), of: page) { $0.write(to: &$1) }
    }

    on(.get, "/api/templates/:sid", scope: .read) { request, context in
      var query = QueryReader(request)
      try query.finish()
      guard let sid = context.parameters.get("sid"), !sid.utf8.contains(0),
        let template = try await services.store.template(sid: sid, account: nil)
      else { throw Problem.notFound("template") }
      return Response { template.write(to: &$0) }
    }

    on(.get, "/api/templates/sync", scope: .read) { request, _ in
      var query = QueryReader(request)
      try query.finish()
      let states = try await services.store.templateSyncs()
      return .list(states) { $0.write(to: &$1) }
    }

    on(.post, "/api/templates/sync", scope: .manage, readsBody: false) { _, _ in
      do {
        let (counts, at) = try await services.templates.syncNow()
        return Response { counts.write(to: &$0, syncedAt: at) }
      } catch let failure as TemplateSyncFailure {
        throw Problem(failure)
      }
    }

    on(.post, "/api/messages/template", scope: .send) { request, context in
      let message = try await services.intake.accept(
        SendRequest.template(try await BodyReader.read(request)), as: context.held)
      return Response(.accepted, headers: [.location: "/api/messages/\(message.id)"]) { message.write(to: &$0) }
    }
  }
}

extension Problem {
  fileprivate init(_ failure: TemplateSyncFailure) {
    switch failure {
    case .busy:
      self.init(.conflict, "sync_running", "Another sync of the templates is under way.", headers: [.retryAfter: "5"])
    case .provider(let failure):
      self.init(
        .badGateway, "provider_failed", "The provider did not give its templates: \(failure.message)",
        members: ["providerCode": .string(failure.code)])
    }
  }
}

extension TemplateSyncCounts {
  fileprivate func write(to writer: inout JSONWriter, syncedAt: Timestamp) {
    writer.object { writer in
      writer.member("total", total)
      writer.member("added", added)
      writer.member("updated", updated)
      writer.member("removed", removed)
      writer.member("syncedAt", syncedAt)
    }
  }
}

extension TemplateSyncState {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("accountSid", accountSID)
      writer.member("lastAttemptAt", lastAttemptAt)
      writer.member("lastSuccessAt", lastSuccessAt)
      writer.member("lastError", lastError)
    }
  }
}
