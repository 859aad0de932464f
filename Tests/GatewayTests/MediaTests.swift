// Files through everything: from a phone at the sandbox to a client of the API, and back.

import ChannelProtocol
import Foundation
import Storage
import Testing
import struct TwilioSandbox.SandboxAccount

@testable import Gateway

@Suite("Files, in and out", .serialized, .timeLimit(.minutes(3)))
struct MediaTests {
  @Test("a picture comes in, is fetched behind its message, told of in the log, and served whole and in parts")
  func inbound() async throws {
    // Nobody looks by himself: the message's event is what sets the fetch going.
    try await WholeGateway.run(settings: { $0.mediaPolicy.poll = .seconds(3_600) }) { gateway in
      let bytes = (0..<1_200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let item = try await gateway.receivePicture(base64: Data(bytes).base64EncodedString())
      #expect(item["state"] == "ready" && item["contentType"] == "image/png" && item["size"] == 1_200_000)
      let url = try #require(item["url"]?.stringValue)
      #expect(url.hasPrefix("http://localhost:"))
      let path = "/api/media/" + (item["id"]?.stringValue ?? "")
      #expect(url.hasSuffix(path))
      let told = try await gateway.store.events(after: 0, limit: 100).filter { $0.type == .messageMedia }
      #expect(told.count == 1)
      let data = try JSONDecoder().decode(JSONValue.self, from: Data(try #require(told.first).data))
      #expect(data["media"]?.arrayValue == [item] && data["body"] == "Picture")

      let whole = try await gateway.file(path)
      #expect(whole.status == 200 && whole.bytes == bytes)
      try headers(whole)
      try await parts(gateway, path, bytes)
      try await conditions(gateway, path, tag: try #require(whole.headers["etag"]), size: bytes.count)
      try await refusals(gateway, path)
    }
  }

  private func headers(_ answer: WholeGateway.FileAnswer) throws {
    #expect(answer.headers["content-type"] == "image/png")
    #expect(answer.headers["x-content-type-options"] == "nosniff")
    #expect(answer.headers["content-security-policy"] == "sandbox; default-src 'none'")
    #expect(answer.headers["content-disposition"]?.hasPrefix("inline; filename=") == true)
    #expect(answer.headers["accept-ranges"] == "bytes")
    #expect(answer.headers["content-length"] == "1200000")
  }

  private func parts(_ gateway: WholeGateway, _ path: String, _ bytes: [UInt8]) async throws {
    for (range, part) in [
      ("bytes=0-0", 0..<1), ("bytes=100-1100099", 100..<1_100_100), ("bytes=-7", 1_199_993..<1_200_000),
      ("bytes=1199999-", 1_199_999..<1_200_000),
    ] {
      let answer = try await gateway.file(path, headers: [("Range", range)])
      #expect(answer.status == 206 && answer.bytes == Array(bytes[part]), "\(range)")
      #expect(answer.headers["content-range"] == "bytes \(part.lowerBound)-\(part.upperBound - 1)/1200000")
      #expect(answer.headers["content-length"] == "\(part.count)")
    }
    let beyond = try await gateway.file(path, headers: [("Range", "bytes=1200000-")])
    #expect(beyond.status == 416 && beyond.headers["content-range"] == "bytes */1200000")
    let head = try await gateway.file(path, method: "HEAD", headers: [("Range", "bytes=0-0")])
    #expect(head.status == 200 && head.bytes.isEmpty && head.headers["content-length"] == "1200000")
  }

  private func conditions(_ gateway: WholeGateway, _ path: String, tag: String, size: Int) async throws {
    let known = try await gateway.file(path, headers: [("If-None-Match", tag)])
    #expect(known.status == 304 && known.bytes.isEmpty && known.headers["etag"] == tag)
    #expect(try await gateway.file(path, headers: [("If-None-Match", "\"other\"")]).status == 200)
    let part = try await gateway.file(path, headers: [("Range", "bytes=0-1"), ("If-Range", tag)])
    #expect(part.status == 206)
    let changed = try await gateway.file(path, headers: [("Range", "bytes=0-1"), ("If-Range", "\"other\"")])
    #expect(changed.status == 200 && changed.bytes.count == size)
  }

  private func refusals(_ gateway: WholeGateway, _ path: String) async throws {
    #expect(try await gateway.file(path, key: "fk_wrong").status == 401)
    for path in ["/api/media/nothing", "/api/media/01900000-0000-7000-8000-000000000000"] {
      #expect(try await gateway.call("GET", path).json["code"] == "not_found", "\(path)")
    }
    #expect(try await gateway.call("GET", path + "?x=1").status == 422)
    #expect(try await gateway.call("DELETE", path).status == 405)
  }

  @Test("a file that is not there yet is asked for again; the text has not waited, and the file is pending meanwhile")
  func retried() async throws {
    try await WholeGateway.run(settings: { $0.mediaPolicy.backoff = .seconds(2) }) { gateway in
      try await gateway.chaos(#"{"failMedia":{"count":2,"status":404}}"#)
      let received = try await gateway.textIn([
        "from": "+14155550124", "to": "+15005550006", "body": "Picture", "media": [["contentType": "image/png"]],
      ])
      #expect(received.json["webhook"]?["status"] == 200)
      let list = try await gateway.call("GET", "/api/messages")
      let item = try #require(list.json["data"]?.arrayValue?.first?["media"]?.arrayValue?.first)
      #expect(item["state"] == "pending")
      let path = "/api/media/" + (item["id"]?.stringValue ?? "")
      let early = try await gateway.call("GET", path)
      #expect(early.status == 409 && early.json["code"] == "media_pending")
      _ = try await gateway.eventually("/api/messages") {
        $0["data"]?.arrayValue?.first?["media"]?.arrayValue?.first?["state"] == "ready"
      }
      let sample = try await gateway.file(path)
      #expect(sample.status == 200 && Array(sample.bytes.prefix(4)) == [0x89, 0x50, 0x4E, 0x47])
    }
  }

  @Test("a file that is refused for good, or too often, has failed, and says so")
  func failed() async throws {
    try await WholeGateway.run(settings: { settings in
      settings.mediaPolicy.backoff = .milliseconds(20)
      settings.mediaPolicy.maximumAttempts = 3
    }) { gateway in
      for (chaos, words) in [
        (#"{"failMedia":{"count":1,"status":410}}"#, "gone"), (#"{"failMedia":{"count":3,"status":503}}"#, "provider"),
        (#"{"mediaLifetimeMilliseconds":0}"#, "not_found"),
      ] {
        try await gateway.chaos(chaos)
        let item = try await gateway.receivePicture(base64: nil)
        #expect(item["state"] == "failed" && item["size"]?.isNull == true)
        let answer = try await gateway.call("GET", "/api/media/" + (item["id"]?.stringValue ?? ""))
        #expect(answer.status == 404 && answer.json["code"] == "media_failed")
        #expect(answer.json["detail"]?.stringValue?.contains(words) == true, "\(answer.text)")
      }
    }
  }

  @Test("a file that the configuration does not let through has failed, and says so")
  func limited() async throws {
    let configuration = WholeGateway.configuration + "\nmedia: { maxSize: 3, types: [image/*] }"
    try await WholeGateway.run(configuration: configuration) { gateway in
      let small = try await gateway.receivePicture(base64: Data([1, 2, 3]).base64EncodedString())
      #expect(small["state"] == "ready" && small["size"] == 3)
      for (bytes, type, words) in [
        (Data([1, 2, 3, 4]), "image/png", "media.maxSize"), (Data([1]), "audio/ogg", "media.types"),
      ] {
        let item = try await gateway.receivePicture(base64: bytes.base64EncodedString(), type: type)
        #expect(item["state"] == "failed")
        let answer = try await gateway.call("GET", "/api/media/" + (item["id"]?.stringValue ?? ""))
        #expect(answer.status == 404 && answer.json["detail"]?.stringValue?.contains(words) == true, "\(answer.text)")
      }
    }
  }

  @Test("what could run in a browser is only ever saved", arguments: ["text/html", "image/svg+xml"])
  func scripts(type: String) async throws {
    try await WholeGateway.run { gateway in
      let page = Data("<script>alert(1)</script>".utf8).base64EncodedString()
      let item = try await gateway.receivePicture(base64: page, type: type)
      let answer = try await gateway.file("/api/media/" + (item["id"]?.stringValue ?? ""))
      #expect(answer.headers["content-disposition"]?.hasPrefix("attachment; filename=") == true)
      #expect(answer.headers["content-security-policy"] == "sandbox; default-src 'none'")
      #expect(answer.headers["x-content-type-options"] == "nosniff" && answer.headers["content-type"] == type)
    }
  }

  @Test("kept on disk, a file is there whole under its id, and served from there")
  func disk() async throws {
    let root = "/tmp/fractal-media-\(UInt32.random(in: .min ... .max))"
    defer { try? FileManager.default.removeItem(atPath: root) }
    let directory = root + "/a/b"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await WholeGateway.run(settings: { settings in
      settings.configuration.media = .init(store: .disk, path: directory)
    }) { gateway in
      let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      let item = try await gateway.receivePicture(base64: Data(bytes).base64EncodedString())
      let id = try #require(item["id"]?.stringValue)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [id])
      #expect(FileManager.default.contents(atPath: "\(directory)/\(id)") == Data(bytes))
      #expect(try await gateway.file("/api/media/\(id)").bytes == bytes)
      let part = try await gateway.file("/api/media/\(id)", headers: [("Range", "bytes=600000-600009")])
      #expect(part.status == 206 && part.bytes == Array(bytes[600_000..<600_010]))
      try FileManager.default.removeItem(atPath: "\(directory)/\(id)")
      let lost = try await gateway.call("GET", "/api/media/\(id)")
      #expect(lost.status == 500 && lost.json["code"] == "media_unavailable")
    }
  }

  @Test("not kept, a file comes from the provider each time, and is not to be had while the provider has none")
  func streamed() async throws {
    try await WholeGateway.run(settings: { $0.configuration.media.store = .none }) { gateway in
      let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 11) }
      let item = try await gateway.receivePicture(base64: Data(bytes).base64EncodedString())
      #expect(item["state"] == "ready" && item["size"] == 700_000)
      let path = "/api/media/" + (item["id"]?.stringValue ?? "")
      #expect(try await gateway.file(path).bytes == bytes)
      let part = try await gateway.file(path, headers: [("Range", "bytes=5-9")])
      #expect(part.status == 206 && part.bytes == Array(bytes[5..<10]))
      try await gateway.chaos(#"{"failMedia":{"count":1,"status":404}}"#)
      let away = try await gateway.call("GET", path)
      #expect(away.status == 502 && away.json["code"] == "media_unavailable")
      #expect(try await gateway.file(path).bytes == bytes)
    }
  }

  @Test("an uploaded file goes out under a signed link that needs no key, and is shown in the message")
  func outbound() async throws {
    try await WholeGateway.run { gateway in
      let upload = try await gateway.call(
        "POST", "/api/media?filename=f%C3%BCr%20dich.txt", json: "hello there",
        headers: [("Content-Type", "text/plain")])
      #expect(upload.status == 201)
      let id = try #require(upload.json["id"]?.stringValue)
      #expect(upload.headers["location"] == "/api/media/\(id)")
      #expect(upload.json["state"] == "ready" && upload.json["size"] == 11)
      #expect(upload.json["contentType"] == "text/plain" && upload.json["filename"] == "für dich.txt")
      #expect(upload.json["url"]?.stringValue?.hasSuffix("/api/media/\(id)") == true)
      #expect(upload.json["createdAt"]?.stringValue != nil)
      let own = try await gateway.file("/api/media/\(id)")
      #expect(own.bytes == Array("hello there".utf8))
      #expect(
        own.headers["content-disposition"]
          == "attachment; filename=\"f_r dich.txt\"; filename*=UTF-8''f%C3%BCr%20dich.txt")

      let sent = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550123","channel":"mms","media":["\#(id)"]}"#)
      #expect(sent.status == 202)
      let item = try #require(sent.json["media"]?.arrayValue?.first)
      #expect(item["filename"] == "für dich.txt" && item["size"] == 11 && item["contentType"] == "text/plain")
      #expect(try await gateway.file("/api/media/" + (item["id"]?.stringValue ?? "")).bytes == own.bytes)
      // What went by its URL is where it was.
      let elsewhere = try await gateway.call(
        "POST", "/api/messages",
        json: #"{"to":"+14155550123","channel":"mms","media":["\#(gateway.base)/health"]}"#)
      let other = elsewhere.json["media"]?.arrayValue?.first?["id"]?.stringValue ?? ""
      #expect(try await gateway.file("/api/media/" + other).url == gateway.base + "/health")

      let delivered = try await gateway.eventually("/api/messages/\(sent.json["id"]?.stringValue ?? "")") {
        $0["status"] == "delivered"
      }
      try await link(gateway, message: delivered["providerSid"]?.stringValue ?? "", upload: id)
    }
  }

  /// The provider's own resource of the file leads to where it was told to fetch it.
  private func link(_ gateway: WholeGateway, message: String, upload id: String) async throws {
    let account = "/2010-04-01/Accounts/\(SandboxAccount.defaultSID)/Messages/\(message)/Media"
    let credentials = Data("\(SandboxAccount.defaultSID):\(SandboxAccount.defaultAuthToken)".utf8)
    let headers = [("Authorization", "Basic \(credentials.base64EncodedString())")]
    let list = try await WholeGateway.exchange("GET", gateway.sandbox + account + ".json", headers: headers)
    let sid = try #require(list.json["media_list"]?.arrayValue?.first?["sid"]?.stringValue)
    let fetched = try await WholeGateway.file(gateway.sandbox + account + "/" + sid, headers: headers)
    #expect(fetched.status == 200 && fetched.bytes == Array("hello there".utf8))
    #expect(fetched.headers["content-type"] == "text/plain")
    let url = try #require(fetched.url)
    #expect(url.contains("/media/\(id)/"))
    let head = try await WholeGateway.file(url, method: "HEAD")
    #expect(head.status == 200 && head.bytes.isEmpty && head.headers["content-length"] == "11")
    let token = try #require(url.split(separator: "/").last)
    let base = gateway.base + "/media/"
    for forged in ["\(id)/\(token.dropLast())", "01900000-0000-7000-8000-000000000000/\(token)", "\(id)/x"] {
      #expect(try await WholeGateway.file(base + forged).status == 404, "\(forged)")
    }
  }

  @Test("what is no upload is refused with its reason")
  func refusedUploads() async throws {
    try await WholeGateway.run { gateway in
      func post(_ path: String, _ body: String, _ type: String?) async throws -> WholeGateway.Answer {
        try await WholeGateway.exchange(
          "POST", gateway.base + path, body: body,
          headers: [("Authorization", "Bearer \(gateway.key)")] + (type.map { [("Content-Type", $0)] } ?? []))
      }
      #expect(try await post("/api/media", "x", nil).status == 415)
      #expect(try await post("/api/media", "x", "multipart/mixed; boundary=x").status == 415)
      #expect(try await post("/api/media", "x", "multipart/form-data; boundary=x").status == 400)
      #expect(try await post("/api/media", "", "text/plain").status == 422)
      #expect(
        try await post("/api/media?name=x", "x", "text/plain").json["errors"]?.arrayValue?.first?["field"] == "name")
      #expect(try await post("/api/media?filename=..", "x", "text/plain").status == 422)
      let large = String(repeating: "x", count: (16 << 20) + 1)
      #expect(try await post("/api/media", large, "text/plain").status == 413)
      let unknown = try await gateway.call(
        "POST", "/api/messages",
        json: #"{"to":"+14155550123","channel":"mms","media":["01900000-0000-7000-8000-000000000000"]}"#)
      #expect(unknown.status == 422 && unknown.json["errors"]?.arrayValue?.first?["field"] == "media[0]")
      // A contact's file is no upload.
      let item = try await gateway.receivePicture(base64: nil)
      let id = item["id"]?.stringValue ?? ""
      let theirs = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550123","channel":"mms","media":["\#(id)"]}"#)
      #expect(theirs.status == 422 && theirs.json["errors"]?.arrayValue?.first?["field"] == "media[0]")
    }
  }
}
