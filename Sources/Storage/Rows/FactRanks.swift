// How far the reports stood that the facts of a message are of, as one small number.

import ChannelProtocol

/// `messages.fact_ranks`: an octal digit each for price, parts and sender, from the left; the rank and one, 0 for none.
enum FactRanks {
  static func code(_ facts: ReportedFacts) -> Int16 {
    func digit(_ rank: Int?) -> Int16 { rank.map { Int16(clamping: $0 + 1) } ?? 0 }
    return digit(facts.sender.rank) | digit(facts.segmentCount.rank) << 3 | digit(facts.price.rank) << 6
  }

  static func facts(of message: Message, code: Int) -> ReportedFacts {
    func rank(_ digit: Int) -> Int? { digit == 0 ? nil : digit - 1 }
    return ReportedFacts(
      sender: .init(message.from, rank: rank(code & 7)),
      segmentCount: .init(message.segments?.count, rank: rank(code >> 3 & 7)),
      price: .init(message.price, rank: rank(code >> 6 & 7)))
  }
}
