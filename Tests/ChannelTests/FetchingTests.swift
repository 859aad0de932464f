// What a channel makes of a request for a contact's file.

import ChannelProtocol
import ChannelSMS
import HTTPTypes
import Testing
import Twilio

@Suite struct FetchingTests {
  private func channel(_ transport: ScriptedTransport) throws -> any MediaFetching {
    try MMSChannel(
      configuration: MMSConfiguration(senders: TwilioSenders(from: ["+15005550006"], messagingService: nil)),
      context: .test(transport: transport))
  }

  private func failure(_ answers: [ScriptedTransport.Answer], url: String = Self.url) async throws -> MediaFailure? {
    let transport = ScriptedTransport(answers)
    let channel = try channel(transport)
    do throws(MediaFailure) {
      _ = try await channel.fetchMedia(at: url)
      return nil
    } catch {
      return error
    }
  }

  private static let url = "https://api.twilio.com/2010-04-01/Accounts/\(Sample.accountSID)/Messages/MM1/Media/ME1"

  @Test("a file is given with its type; credentials go to the first hop only")
  func fetched() async throws {
    let transport = ScriptedTransport([
      .init(status: 307, headers: [.location: "https://mms.twiliocdn.com/x"]),
      .init(headers: [.contentType: "image/png"], body: [1, 2]),
    ])
    let file = try await channel(transport).fetchMedia(at: Self.url)
    #expect(file == FetchedMedia(contentType: "image/png", bytes: [1, 2]))
    #expect(transport.asked.map { $0.request.headerFields[.authorization] != nil } == [true, false])
  }

  @Test("a URL that is not the provider's is never called, and never tried again")
  func foreign() async throws {
    let transport = ScriptedTransport([.init(body: [1])])
    let channel = try channel(transport)
    for url in ["https://evil.example/x", "http://169.254.169.254/latest", ""] {
      await #expect { try await channel.fetchMedia(at: url) } throws: { ($0 as? MediaFailure)?.kind == .permanent }
    }
    #expect(transport.asked.isEmpty)
  }

  @Test("what is not there yet may be asked for again; what leads elsewhere, is gone or too large may not")
  func failures() async throws {
    #expect(try await failure([.init(status: 404)])?.kind == .transient(retryAfter: nil))
    #expect(try await failure([.init(status: 410)])?.code == "gone")
    let elsewhere = try await failure([.init(status: 307, headers: [.location: "https://evil.example/x"])])
    #expect(elsewhere?.kind == .permanent)
    let large = try await failure([.init(body: [UInt8](repeating: 0, count: TwilioClient.maximumMediaSize + 1))])
    #expect(large?.kind == .permanent && large?.code == "too_large")
  }
}
