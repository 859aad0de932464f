// Forms that bring files, and files that go: through everything, with a directory on the disk.

import ChannelProtocol
import Foundation
import GatewayTesting
import Logging
import Storage
import Testing

@testable import Gateway

@Suite("Uploads by form, and files that are no longer kept", .serialized)
struct MediaKeepingTests {
  private static func form(_ file: String, name: String = "file", type: String = "text/plain") -> String {
    "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nx\r\n--b\r\n"
      + "Content-Disposition: form-data; name=\"\(name)\"; filename=\"für dich.txt\"\r\n"
      + "Content-Type: \(type)\r\n\r\n\(file)\r\n--b--\r\n"
  }

  private static func post(_ gateway: WholeGateway, _ body: String, to path: String = "/api/media") async throws
    -> WholeGateway.Answer
  {
    try await WholeGateway.exchange(
      "POST", gateway.base + path, body: body,
      headers: [("Authorization", "Bearer \(gateway.key)"), ("Content-Type", "multipart/form-data; boundary=b")])
  }

  @Test("a form's file is kept with its own name and type")
  func forms() async throws {
    try await WholeGateway.run { gateway in
      let upload = try await Self.post(gateway, Self.form("hello there"))
      #expect(upload.status == 201, "\(upload.text)")
      #expect(upload.json["filename"] == "für dich.txt" && upload.json["contentType"] == "text/plain")
      #expect(upload.json["size"] == 11)
      let id = upload.json["id"]?.stringValue ?? ""
      #expect(try await gateway.file("/api/media/\(id)").bytes == Array("hello there".utf8))
      let renamed = try await Self.post(gateway, Self.form("hello"), to: "/api/media?filename=b.txt")
      #expect(renamed.json["filename"] == "b.txt")

      let large = String(repeating: "x", count: 16 << 20)
      #expect(try await Self.post(gateway, Self.form(large)).json["size"] == .integer(16 << 20))
      let tooLarge = try await Self.post(gateway, Self.form(large + "x"))
      #expect(tooLarge.status == 413 && tooLarge.json["code"] == "too_large", "\(tooLarge.text.prefix(300))")
      for (body, status) in [
        (Self.form("x", name: "picture"), 422), (Self.form(""), 422), (String(Self.form("x").dropLast(9)), 400),
        ("x", 400),
      ] {
        #expect(try await Self.post(gateway, body).status == status)
      }
    }
  }

  @Test("no file stays in the directory that no row names: unused uploads, deleted contacts, crashes while writing")
  func swept() async throws {
    let directory = "/tmp/fractal-media-\(UInt32.random(in: .min ... .max))"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    @Sendable func names() throws -> Set<String> { Set(try FileManager.default.contentsOfDirectory(atPath: directory)) }
    try await WholeGateway.run(settings: { settings in
      settings.configuration.media = .init(store: .disk, path: directory)
    }) { gateway in
      let received = try await gateway.receivePicture(base64: nil)["id"]?.stringValue ?? ""
      let unused = try await Self.post(gateway, Self.form("unused")).json["id"]?.stringValue ?? ""
      let used = try await Self.post(gateway, Self.form("used")).json["id"]?.stringValue ?? ""
      let sent = try await gateway.call(
        "POST", "/api/messages", json: #"{"to":"+14155550123","channel":"mms","media":["\#(used)"]}"#)
      #expect(sent.status == 202, "\(sent.text)")
      #expect(try names() == [received, unused, used])

      // A crash while a file was written, and one after it, before its row.
      let crashed = SystemClock().makeIdentifier()
      try await gateway.store.announceFile(crashed, removedAfter: .zero)
      for name in ["\(crashed)", "\(crashed).1.new"] {
        let isMade = FileManager.default.createFile(
          atPath: "\(directory)/\(name)", contents: Data([1]),
          attributes: [.modificationDate: Date(timeIntervalSinceNow: -7_200)])
        #expect(isMade)
      }
      #expect(FileManager.default.createFile(atPath: "\(directory)/\(received).2.new", contents: Data([1])))

      let sweep = MediaSweep(
        store: gateway.store, disk: MediaDirectory(path: directory),
        retention: .init(events: .seconds(60), uploads: .zero, media: nil),
        logger: .init(label: "test"))
      try await sweep.sweep()
      #expect(try names() == [received, used, "\(received).2.new"], "one is being written at this moment")

      let contact = try await gateway.call("GET", "/api/messages?direction=inbound").json["data"]?.arrayValue?
        .first?["contactId"]?.stringValue
      #expect(try await gateway.call("DELETE", "/api/contacts/\(contact ?? "")").status == 204)
      try await sweep.sweep()
      #expect(try names() == [used, "\(received).2.new"])

      let strict = MediaSweep(
        store: gateway.store, disk: sweep.disk,
        retention: .init(events: .seconds(60), uploads: .seconds(3_600), media: .zero), logger: sweep.logger)
      try await strict.sweep()
      #expect(try names() == ["\(received).2.new"])
      let gone = try await gateway.call("GET", "/api/media/\(used)")
      #expect(gone.status == 404 && gone.json["code"] == "media_failed", "\(gone.text)")
      // Swept once more, with nothing there.
      try await strict.sweep()
    }
  }
}
