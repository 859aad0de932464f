// What a request carries from the socket to its route.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import NIOCore
import Sinks
import Storage

struct APIContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// In every answer and log line of the request.
  var requestID: String
  /// Who is at the other end, as far as it is known.
  var client: IPAddress?
  /// Who asks; set by ``Authentication``.
  var principal: APIKey?
  /// What a request with an `Idempotency-Key` has claimed.
  var held: HeldRequest?
  /// What the request says that the resource must be, where it changes one.
  var ifMatch: String?
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
    requestID = ""
  }
}

extension HTTPField.Name {
  static let requestID = Self("X-Request-Id")!
  static let apiKey = Self("X-API-Key")!
}

extension Response {
  /// An answer that is one JSON document.
  init(_ status: HTTPResponse.Status = .ok, json: [UInt8], headers: HTTPFields = [:]) {
    var fields = headers
    fields[.contentType] = "application/json"
    self.init(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
  }

  /// An answer written by hand.
  init(_ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], _ write: (inout JSONWriter) -> Void) {
    var writer = JSONWriter()
    write(&writer)
    self.init(status, json: writer.bytes, headers: headers)
  }

  /// One page of a list: `{"data": […], "nextCursor": … }`.
  static func page<Item>(
    _ page: Page<Item>, of asked: ListPage, _ write: (Item, inout JSONWriter) -> Void
  ) -> Response {
    list(page.items, next: asked.text(of: page.next), write)
  }

  /// A list that has one page.
  static func list<Item>(
    _ items: [Item], next: String? = nil, _ write: (Item, inout JSONWriter) -> Void
  ) -> Response {
    Response { writer in
      writer.object { writer in
        writer.member("data") { writer in
          writer.array { writer in for item in items { write(item, &writer) } }
        }
        writer.member("nextCursor", next)
      }
    }
  }
}
