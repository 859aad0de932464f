// What is asked: each list alone, with each filter, with rare and frequent words, and pages deep inside.

import Foundation

struct Question {
  var name: String
  /// By the number of the request, where each asks for something else.
  var path: (Int) -> String

  init(_ name: String, _ path: @escaping (Int) -> String) {
    self.name = name
    self.path = path
  }

  init(_ path: String) { self.init(path) { _ in path } }
}

struct Questions {
  let all: [Question]

  /// - Parameter client: walks to the middle of each list first, since a cursor can only be had by walking.
  init(_ archive: Archive, messages: Int, contacts: Int, client: KeepAliveClient) throws {
    func address(_ number: Int) -> String { "\(1_4152000000 + 1 + (number * 7_919) % contacts)" }
    func ids(_ table: String, _ order: String) throws -> [String] {
      try archive.value("SELECT id FROM \(table) ORDER BY \(order) LIMIT 300").split(separator: "\n").map(String.init)
    }
    let people = try ids("contacts", "md5(id::text)")
    let threads = try ids("conversations", "md5(id::text)")
    let busy = try archive.value("SELECT id FROM contacts ORDER BY id LIMIT 1")
    let middle = try Self.cursor(behind: messages / 2, of: "/api/messages", client)
    let past = try archive.value(
      "SELECT to_char((min(created_at) + (max(created_at) - min(created_at)) / 3) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM messages"
    )
    let later = try archive.value(
      "SELECT to_char((min(created_at) + (max(created_at) - min(created_at)) / 2) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM messages"
    )
    let sid = try archive.value("SELECT provider_sid FROM messages ORDER BY md5(id::text) LIMIT 1")
    let oldContact = try Self.cursor(behind: contacts / 2, of: "/api/contacts", client)
    let oldThread = try Self.cursor(behind: contacts / 2, of: "/api/conversations", client)
    let m = "/api/messages"
    let c = "/api/contacts"
    let v = "/api/conversations"
    var list: [Question] = [
      Question(m), Question("\(m)?limit=200"), Question("\(m)?cursor=…middle") { _ in "\(m)?cursor=\(middle)" },
      Question("\(m)?conversation=…") { "\(m)?conversation=\(threads[$0 % threads.count])" },
      Question("\(m)?contact=…") { "\(m)?contact=\(people[$0 % people.count])" },
      Question("\(m)?contact=…busy") { _ in "\(m)?contact=\(busy)" },
      Question("\(m)?contact=…busy&direction=outbound") { _ in "\(m)?contact=\(busy)&direction=outbound" },
      Question("\(m)?providerSid=…") { _ in "\(m)?providerSid=\(sid)" },
      Question("\(m)?since=…past") { _ in "\(m)?since=\(past)" },
      Question("\(m)?until=…past") { _ in "\(m)?until=\(past)" },
      Question("\(m)?since=…&until=…") { _ in "\(m)?since=\(past)&until=\(later)" },
      Question("\(m)?status=failed&until=…past") { _ in "\(m)?status=failed&until=\(past)" },
    ]
    list += [
      "channel=sms", "channel=whatsapp", "direction=inbound", "direction=outbound", "status=received",
      "status=delivered", "status=read", "status=failed", "status=undelivered", "status=canceled", "status=sent",
      "status=queued,sending,accepted,sent", "status=failed,undelivered,received", "status=failed&channel=whatsapp",
      "search=order", "search=hello&direction=outbound", "search=quokka", "search=zebra", "search=needle",
      "search=nowhere", "search=campaign", "search=order+delivery+friday", "search=need",
      "search=zebra&channel=whatsapp",
      "search=needle&status=failed",
    ].map { Question("\(m)?\($0)") }
    list.append(Question("\(m)?contact=…busy&search=zebra") { _ in "\(m)?contact=\(busy)&search=zebra" })
    list += [
      Question(c), Question("\(c)?cursor=…middle") { _ in "\(c)?cursor=\(oldContact)" },
      Question("\(c)?search=…address") { "\(c)?search=\(address($0))" },
    ]
    list += [
      "search=ada", "search=nobody", "search=gold", "search=C4000", "search=zq", "label=late", "label=vip",
      "label=none", "channel=sms", "channel=messenger", "channel=rcs", "label=vip&search=ada",
      "label=late&channel=messenger",
    ].map { Question("\(c)?\($0)") }
    list += [
      Question(v), Question("\(v)?cursor=…middle") { _ in "\(v)?cursor=\(oldThread)" },
      Question("\(v)/…") { "\(v)/\(threads[$0 % threads.count])" },
      Question("\(v)?search=…address") { "\(v)?search=\(address($0))" },
    ]
    list += [
      "status=open", "status=archived", "unread=true", "unread=false&status=open", "unread=true&status=archived",
      "channel=sms", "channel=whatsapp", "channel=whatsapp&unread=true", "search=ada", "search=nobody",
      "search=ada&status=open&unread=true",
    ].map { Question("\(v)?\($0)") }
    all = list
  }

  /// What a client has that has come so far.
  private static func cursor(behind rows: Int, of list: String, _ client: KeepAliveClient) throws -> String {
    let name = Array("\"nextCursor\":\"".utf8)
    var cursor = ""
    for _ in 0..<max(1, rows / 200) {
      let body = try client.get("\(list)?limit=200" + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
      // It is the last member.
      guard let place = body.ranges(of: name).last else { return cursor }
      cursor = String(decoding: body[place.upperBound...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
    return cursor
  }
}
