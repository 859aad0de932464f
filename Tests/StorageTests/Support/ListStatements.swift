// Every statement that a list may come to, also those that stand behind what is looked at first.

import ChannelProtocol
import GatewayTesting
import Postgres

@testable import Storage

extension ListSteps {
  var statements: [Statement] {
    switch self {
    case .none: []
    case .one(let statement): [statement]
    case .search(let places, let rest, let choice):
      places.flatMap(\.windows).flatMap { [$0.matching] + ($0.reach.map { [$0] } ?? []) } + [rest]
        + (choice.map { [$0.statement] + $0.ways } ?? [])
    }
  }
}

extension StoreFixture {
  /// Runs them all on the store's session, for the main combinations of filters.
  /// - Returns: their names.
  func useEveryStep(_ pages: [PageRequest]) async throws -> Set<String> {
    var names: Set<String> = []
    for page in pages {
      var lists: [(ListSteps, Parameters)] = []
      for query in contactQueries {
        let filter = ContactFilter(query, page: page)
        lists.append((filter.steps, filter.parameters))
      }
      for query in conversationQueries {
        let filter = ConversationFilter(query, page: page)
        lists.append((filter.steps, filter.parameters))
      }
      for query in messageQueries {
        let filter = MessageFilter(query, page: page)
        lists.append((filter.steps, filter.parameters))
      }
      for (steps, parameters) in lists {
        for statement in steps.statements {
          names.insert(statement.name)
          try await store.run { _ = try $0.execute(statement, parameters) }
        }
      }
    }
    return names
  }

  /// Every combination of filters.
  private var contactQueries: [ContactQuery] {
    (1..<8).flatMap { bits in
      (bits & 4 == 0 ? [nil] : ["zq", "name"]).map { search in
        var query = ContactQuery()
        if bits & 1 != 0 { query.label = "vip" }
        if bits & 2 != 0 { query.channel = "whatsapp" }
        query.search = search
        return query
      }
    }
  }

  private var conversationQueries: [ConversationQuery] {
    (1..<8).flatMap { bits in
      (bits & 4 == 0 ? [nil] : ["zq", "name"]).map { search in
        var query = ConversationQuery()
        if bits & 1 != 0 { query.unread = true }
        if bits & 2 != 0 { query.channel = "whatsapp" }
        query.search = search
        return query
      }
    }
  }

  private var messageQueries: [MessageQuery] {
    let id = clock.makeIdentifier()
    let origins: [(inout MessageQuery) -> Void] = [
      { _ in }, { $0.channel = "sms" }, { $0.channel = "whatsapp" }, { $0.statuses = [.failed, .sent] },
      { ($0.channel, $0.statuses) = ("whatsapp", [.failed]) }, { $0.contact = id }, { $0.conversation = id },
      { $0.providerSID = "SM1" }, { $0.direction = .outbound }, { $0.direction = .inbound },
    ]
    let others: [(inout MessageQuery) -> Void] = [
      { _ in }, { $0.search = "hello" }, { $0.search = "hello there" }, { $0.search = "two words well-known" },
      { [clock] in $0.until = clock.now() },
      { [clock] in ($0.search, $0.until, $0.since) = ("hello there", clock.now(), clock.now()) },
    ]
    return origins.flatMap { origin in
      others.map { other in
        var query = MessageQuery()
        origin(&query)
        other(&query)
        return query
      }
    }
  }
}
