// The health of channels, as nodes report it.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let report = Statement(
    "report_channel",
    """
    INSERT INTO channel_health (channel, node, call_times, call_signs, call_codes, last_success_at, last_error_at,
      last_error_code, reported_at)
    VALUES ($1, $2, $3::bigint[], $4::text[], $5::text[], $6, $7, $8, now())
    ON CONFLICT (channel, node) DO UPDATE SET call_times = excluded.call_times, call_signs = excluded.call_signs,
      call_codes = excluded.call_codes, last_success_at = excluded.last_success_at,
      last_error_at = excluded.last_error_at, last_error_code = excluded.last_error_code,
      reported_at = excluded.reported_at
    """)

  private static let forget = Statement(
    "forget_channel_reports", "DELETE FROM channel_health WHERE reported_at < now() - interval '7 days'")

  /// Bounded also where nodes come and go by the hour.
  private static let others = Statement(
    "channel_reports",
    """
    SELECT channel, call_times, call_signs, call_codes, last_success_at, last_error_at, last_error_code
    FROM channel_health
    WHERE node <> $1 ORDER BY reported_at DESC LIMIT 1000
    """)

  public func reportChannels(_ reports: [ChannelReport], node: Identifier) async throws {
    try await run { connection in
      // In one order, as every writer has it.
      let steps = reports.sorted { $0.channel < $1.channel }.map { (Self.report, Self.parameters($0, node)) }
      _ = try connection.pipeline(
        [(.begin, Parameters())] + steps + [(Self.forget, Parameters()), (.commit, Parameters())])
    }
  }

  private static func parameters(_ report: ChannelReport, _ node: Identifier) -> Parameters {
    var p = Parameters()
    p.text(report.channel)
    p.identifier(node)
    p.int8Array(report.calls.map(\.at.microseconds))
    p.textArray(report.calls.map(\.sign.rawValue))
    p.textArray(report.calls.map(\.code))
    p.timestamp(report.lastSuccessAt)
    p.timestamp(report.lastError?.at)
    p.text(report.lastError.map { "\($0.sign.rawValue) \($0.code)" })
    return p
  }

  public func channelReports(exceptOf node: Identifier) async throws -> [ChannelReport] {
    try await run { connection in
      var parameters = Parameters()
      parameters.identifier(node)
      return try connection.execute(Self.others, parameters).map { row in
        var reader = ColumnReader(row)
        var report = ChannelReport(channel: try reader.text())
        let times = try reader.int8Array()
        let signs = try reader.textArray()
        let codes = try reader.textArray()
        report.calls = zip(times, zip(signs, codes)).compactMap { time, call in
          ChannelReport.Sign(rawValue: call.0).map {
            ChannelReport.Call(sign: $0, code: call.1, at: Timestamp(microseconds: time))
          }
        }
        report.lastSuccessAt = try reader.timestampOrNil()
        let errorAt = try reader.timestampOrNil()
        let words = try reader.textOrNil()?.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        if let errorAt, let words, let sign = ChannelReport.Sign(rawValue: String(words[0])) {
          report.lastError = .init(sign: sign, code: String(words.last ?? ""), at: errorAt)
        }
        return report
      }
    }
  }
}
