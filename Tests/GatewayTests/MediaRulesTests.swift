// Ranges, names, types, links and retries of files: tables.

import ChannelProtocol
import Sinks
import Storage
import Testing

@testable import Gateway

@Suite("The rules of files")
struct MediaRulesTests {
  @Test(
    "a range is a part of the file, the whole of it, or nothing that there is",
    arguments: [
      (nil, ByteRange.whole), ("bytes=0-0", .part(0..<1)), ("bytes=0-9", .part(0..<10)), ("bytes=4-", .part(4..<10)),
      ("bytes=9-", .part(9..<10)), ("bytes=-3", .part(7..<10)), ("bytes=-30", .part(0..<10)),
      ("bytes=2-30", .part(2..<10)), ("Bytes=1-2", .part(1..<3)),
      ("bytes=2-99999999999999999999", .part(2..<10)), ("bytes=10-", .unsatisfiable),
      ("bytes=10-11", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("bytes=99999999999999999999-", .unsatisfiable),
      ("bytes=3-2", .whole), ("bytes=-", .whole), ("bytes=", .whole), ("bytes=a-b", .whole), ("bytes=+1-2", .whole),
      ("bytes=0-1,4-5", .whole), ("items=0-1", .whole), ("bytes 0-1", .whole),
    ] as [(String?, ByteRange)])
  func ranges(header: String?, expected: ByteRange) {
    #expect(ByteRange(header, size: 10) == expected)
  }

  @Test("of an empty file there is no part")
  func emptyFile() {
    #expect(ByteRange("bytes=0-", size: 0) == .unsatisfiable)
    #expect(ByteRange("bytes=-1", size: 0) == .unsatisfiable)
    #expect(ByteRange(nil, size: 0) == .whole)
  }

  @Test("entity tags compare weakly for a 304 and strongly for a part")
  func tags() {
    for header in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "\"b\",W/\"a\"", "*"] {
      #expect(EntityTags.contain(header, "\"a\""), "\(header)")
    }
    for header in ["\"b\"", "a", "", "\"ab\""] { #expect(!EntityTags.contain(header, "\"a\""), "\(header)") }
    #expect(!EntityTags.contain(nil, "\"a\""))
    #expect(EntityTags.allowPart(nil, "\"a\"") && EntityTags.allowPart("\"a\"", "\"a\""))
    #expect(!EntityTags.allowPart("W/\"a\"", "\"a\""))
    #expect(!EntityTags.allowPart("Wed, 21 Oct 2026 07:28:00 GMT", "\"a\""))
  }

  @Test("a file is kept up to its size, and where its type or the family of it is named")
  func limits() {
    let all = MediaLimits()
    #expect(all.refusal(size: 16 << 20, type: "x/y") == nil)
    #expect(all.refusal(size: (16 << 20) + 1, type: "x/y")?.code == "too_large")
    let some = MediaLimits(maximumSize: 10, types: ["image/*", "application/pdf"])
    for type in ["image/png", "Image/JPEG; q=1", "application/pdf"] {
      #expect(some.refusal(size: 10, type: type) == nil)
    }
    for type in ["imagex/png", "application/pdfx", "text/html", "nonsense"] {
      let refusal = some.refusal(size: 10, type: type)
      #expect(refusal?.code == "type_refused" && refusal?.kind == .permanent)
    }
    #expect(some.refusal(size: 11, type: "image/png")?.message.contains("11 bytes") == true)
    #expect(MediaLimits(types: []).refusal(size: 1, type: "image/png") != nil)
    #expect(MediaLimits.pattern("Image/*") == "image/*" && MediaLimits.pattern("image/png") == "image/png")
    for text in ["", "image", "*", "*/*", "*/png", "im*/png", "image/p*", "image/png; q=1", "a/b/c"] {
      #expect(MediaLimits.pattern(text) == nil, "\(text)")
    }
  }

  @Test(
    "a type is `type/subtype` or unknown",
    arguments: [
      ("image/png", "image/png"), (" Image/PNG ", "image/png"), ("audio/ogg; codecs=opus", "audio/ogg; codecs=opus"),
      ("text/plain;charset=utf-8", "text/plain;charset=utf-8"), ("text/plain;", "text/plain"),
      ("text/plain; a=\r\nSet-Cookie: x", "text/plain"), (nil, "application/octet-stream"),
      ("", "application/octet-stream"), ("image", "application/octet-stream"), ("image/", "application/octet-stream"),
      ("/png", "application/octet-stream"), ("a/b/c", "application/octet-stream"),
      ("image/p ng", "application/octet-stream"), ("image/p\r\nng", "application/octet-stream"),
      ("bild/grün", "application/octet-stream"),
    ] as [(String?, String)])
  func types(given: String?, expected: String) {
    #expect(MediaTypeName(given).text == expected)
  }

  @Test("pictures, sound and film are shown; what can hold a script, and all else, is only saved")
  func inline() {
    for type in ["image/png", "image/jpeg", "audio/ogg; codecs=opus", "video/mp4"] {
      #expect(MediaTypeName(type).isShownInline, "\(type)")
    }
    for type in [
      "image/svg+xml", "IMAGE/SVG+XML", "image/x+xml", "text/html", "application/xhtml+xml", "application/pdf",
      "text/plain", "text/vcard", "application/octet-stream", "video", "x/image/png",
    ] {
      #expect(!MediaTypeName(type).isShownInline, "\(type)")
    }
  }

  @Test(
    "a name stands in ASCII, and exactly where it is more than that; it is never a path or a header of its own",
    arguments: [
      (nil, "application/pdf", "attachment; filename=\"id.pdf\""), (nil, "image/png", "inline; filename=\"id.png\""),
      (nil, "application/zip", "attachment; filename=\"id\""), ("", "text/csv", "attachment; filename=\"id.csv\""),
      ("bill.pdf", "application/pdf", "attachment; filename=\"bill.pdf\""),
      ("übung.pdf", "application/pdf", "attachment; filename=\"_bung.pdf\"; filename*=UTF-8''%C3%BCbung.pdf"),
      ("a\"b.png", "image/png", "inline; filename=\"a_b.png\"; filename*=UTF-8''a%22b.png"),
      ("50%.txt", "text/plain", "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt"),
      ("../../etc/passwd", "text/plain", "attachment; filename=\"passwd\""),
      ("C:\\x\\y.txt", "text/plain", "attachment; filename=\"y.txt\""),
      ("a\r\nX-Evil: 1", "text/plain", "attachment; filename=\"aX-Evil: 1\""),
      ("gpj.\u{202E}exe", "text/plain", "attachment; filename=\"gpj.exe\""),
      ("..", "text/plain", "attachment; filename=\"id.txt\""),
    ] as [(String?, String, String)])
  func dispositions(filename: String?, type: String, expected: String) {
    #expect(ContentDisposition.header(filename: filename, type: MediaTypeName(type), fallback: "id") == expected)
  }

  @Test("a link opens its own file until it ends, and nothing else")
  func links() throws {
    let links = MediaLinks(secret: Array("a secret of some length".utf8), publicURL: "https://gateway.example")
    let now = try #require(Timestamp(rfc3339: "2026-01-31T12:00:00Z"))
    let id = Identifier(high: 1, low: 2)
    let token = links.token(id, now: now)
    #expect(links.url(id, now: now) == "https://gateway.example/media/\(id)/\(token)")
    #expect(links.accepts(token, for: id, now: now))
    #expect(links.accepts(token, for: id, now: now + links.lifetime - .seconds(1)))
    #expect(!links.accepts(token, for: id, now: now + links.lifetime))
    #expect(!links.accepts(token, for: Identifier(high: 1, low: 3), now: now))
    let other = MediaLinks(secret: Array("another secret of mine".utf8), publicURL: "https://gateway.example")
    #expect(!other.accepts(token, for: id, now: now))
    let parts = token.split(separator: ".")
    let end = try #require(Int64(parts[0]))
    let flipped = (parts[1].first == "0" ? "1" : "0") + parts[1].dropFirst()
    for forged in [
      "\(end + 1).\(parts[1])", "\(end).\(flipped)", "\(end).\(parts[1].dropLast(2))", "\(end).", "\(end)", ".", "",
      "x.\(parts[1])", "\(token).", "\(end).\(parts[1])00",
    ] {
      #expect(!links.accepts(forged, for: id, now: now), "\(forged)")
    }
  }

  @Test("what may succeed is tried again, further and further apart, and not for ever; the rest fails at once")
  func retries() {
    var policy = MediaPolicy()
    policy.backoff = .seconds(1)
    policy.maximumBackoff = .seconds(60)
    policy.maximumAttempts = 9
    let passing = MediaFailure(.transient(retryAfter: nil), code: "not_found", message: "Not there.")
    func pause(_ failure: MediaFailure, _ attempts: Int, jitter: Double = 1) -> Duration? {
      if case .retry(let pause, _) = policy.after(failure, attempts: attempts, jitter: jitter) { pause } else { nil }
    }
    #expect((1...8).map { pause(passing, $0) } == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
    #expect(pause(passing, 1, jitter: 0) == .milliseconds(500))
    #expect(policy.after(passing, attempts: 9, jitter: 0) == .failed(error: "not_found: Not there."))
    let busy = MediaFailure(.transient(retryAfter: .seconds(30)), code: "provider_error", message: "Slow down.")
    #expect(pause(busy, 1) == .seconds(30) && pause(busy, 7) == .seconds(60))
    let gone = MediaFailure(.permanent, code: "gone", message: "Gone.")
    #expect(policy.after(gone, attempts: 1, jitter: 0) == .failed(error: "gone: Gone."))
  }

  @Test("an event tells of files where its message has some, whatever its text says")
  func announcements() {
    func event(_ type: EventType, _ data: String) -> EncodedEvent {
      EncodedEvent(
        Event(
          seq: 1, id: Identifier(high: 0, low: 1), type: type, at: Timestamp(microseconds: 0), conversationID: nil,
          channel: nil, data: Array(data.utf8)))
    }
    #expect(event(.messageNew, #"{"body":"x","media":[{"id":"1"}]}"#).announcesMedia)
    #expect(event(.messageNew, #""media":[{"#).announcesMedia, "at both ends")
    #expect(event(.messageNew, #"{"tags":[[[]]],"x":"[{[{","media":[{"#).announcesMedia, "behind what is like it")
    #expect(!event(.messageNew, #"{"tags":[[[]]],"x":"[{[{","media":["#).announcesMedia, "cut short")
    #expect(!event(.messageNew, #"[{"#).announcesMedia)
    #expect(!event(.messageNew, #"{"body":"\"media\":[{","media":[]}"#).announcesMedia)
    #expect(!event(.messageMedia, #"{"media":[{"id":"1"}]}"#).announcesMedia)
    #expect(!event(.messageNew, "{}").announcesMedia)
  }

  @Test("a file is of the provider's type, and of the sender's where the provider has none")
  func typeOfFetched() {
    func type(_ provider: String?, _ sender: String?) -> String {
      MediaFetcher.type(of: TakenMedia(contentType: provider, size: 0), claimed: sender)
    }
    #expect(type("image/jpeg", "image/png") == "image/jpeg")
    #expect(type(nil, "image/png") == "image/png")
    #expect(type("binary/octet-stream", "image/png") == "binary/octet-stream")
    #expect(type("application/octet-stream", "image/png") == "image/png")
    #expect(type("nonsense", "nonsense") == "application/octet-stream")
  }
}
