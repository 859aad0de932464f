// Fetches a file that a contact sent.

public import ChannelProtocol
import HTTPTypes

extension TwilioClient {
  /// The largest file a channel carries (WhatsApp and RCS: 16 MB).
  public static let maximumMediaSize = 16 * 1_024 * 1_024
  /// Of an answer whose body is only a remark.
  private static let maximumRemark = 64 * 1_024

  /// Opens a webhook's `MediaUrl…`: at Twilio's API with credentials, then, where that redirects to a short-lived
  /// URL, once more without: the storage behind refuses them (FACTS section 4).
  /// - Parameters:
  ///   - part: The bytes that are wanted; the storage may give all the same the whole.
  ///   - deadline: How long each hop may take to the end of its body.
  public func openMedia(
    at url: String, part: Range<Int>? = nil, deadline: Duration = .seconds(30)
  ) async throws(TwilioFailure) -> OpenMedia {
    guard let first = hosts.mediaURL(url, account: accountSID)
    else { throw .api(TwilioAPIError(status: 400, message: "The URL is not that of a file in our account at Twilio.")) }
    var headers: HTTPFields = [.accept: "*/*"]
    if let part, !part.isEmpty { headers[.range] = "bytes=\(part.lowerBound)-\(part.upperBound - 1)" }
    var answer = try await open(first, headers: headers, authorized: true, deadline: deadline)
    if answer.response.status.kind == .redirection {
      guard let second = answer.response.headerFields[.location].flatMap({ hosts.redirectURL($0) }) else {
        throw .api(
          TwilioAPIError(
            status: answer.response.status.code, message: "The redirect leads to no host of Twilio's."))
      }
      // Read to its end, the connection serves the next file too.
      _ = try? await answer.body.count(upTo: Self.maximumRemark)
      answer = try await open(second, headers: headers, authorized: false, deadline: deadline)
    }
    guard answer.response.status.kind == .successful else { throw .api(await error(answer)) }
    return try media(answer)
  }

  private func error(_ answer: OpenAnswer) async -> TwilioAPIError {
    let body = try? await answer.body.collect(upTo: Self.maximumRemark)
    return TwilioAPIError(answer.response, body: body ?? [])
  }

  private func media(_ answer: OpenAnswer) throws(TwilioFailure) -> OpenMedia {
    let fields = answer.response.headerFields
    var media = OpenMedia(
      contentType: fields[.contentType], size: fields[.contentLength].flatMap { Int($0) }, pieces: answer.body,
      cancel: answer.cancel)
    if answer.response.status == .partialContent {
      guard let range = fields[.contentRange].flatMap({ ContentRange($0) })
      else { throw .unreadable(status: 206, message: "the answer does not say which part of the file it is") }
      media.part = range.part
      media.size = range.size
    }
    guard (media.size ?? 0) <= Self.maximumMediaSize
    else { throw .api(TwilioAPIError(status: 413, message: "The file is larger than any channel carries.")) }
    return media
  }

  /// One hop. What is refused for one of our credentials is asked again with the next.
  private func open(
    _ url: String, headers: HTTPFields, authorized: Bool, deadline: Duration
  ) async throws(TwilioFailure) -> OpenAnswer {
    var request = try request(.get, url, headers: headers)
    guard authorized else { return try await open(request, deadline) }
    var credential = credentials.current
    for _ in 1..<credentials.count {
      request.headerFields[.authorization] = credential.authorization
      let answer = try await open(request, deadline)
      guard answer.response.status == .unauthorized else { return answer }
      credential = credentials.next(after: credential)
    }
    request.headerFields[.authorization] = credential.authorization
    return try await open(request, deadline)
  }

  private func open(_ request: HTTPRequest, _ whole: Duration) async throws(TwilioFailure) -> OpenAnswer {
    do {
      return try await transport.open(
        request, deadlines: TransferDeadlines(head: deadline, pause: deadline, whole: whole))
    } catch {
      throw .transport(error)
    }
  }
}

/// What a `Content-Range` says: `bytes 0-9/100`, or `/*` where the whole is not known.
struct ContentRange: Hashable {
  var part: Range<Int>
  var size: Int?

  init?(_ text: String) {
    guard text.lowercased().hasPrefix("bytes ") else { return nil }
    let halves = text.dropFirst("bytes ".count).split(separator: "/", omittingEmptySubsequences: false)
    guard halves.count == 2 else { return nil }
    let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 0, last >= first, last < .max
    else { return nil }
    size = Int(halves[1])
    guard size.map({ last < $0 }) ?? (halves[1] == "*") else { return nil }
    part = first..<last + 1
  }
}
