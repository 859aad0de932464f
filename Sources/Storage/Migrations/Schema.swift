// The schema, as an ordered list of migrations. A migration that has shipped is never changed: a new one follows it.

/// One step of the schema.
struct Migration: Sendable {
  var version: Int
  var name: String
  var sql: String
  /// The script commits by itself as it goes, and may be broken off and run again: for what takes long on a large table.
  var commitsItself = false

  static let all: [Migration] = [
    Migration(version: 1, name: "contacts, conversations, messages", sql: messagesSchema),
    Migration(version: 2, name: "event log", sql: eventLogSchema),
    Migration(version: 3, name: "webhooks and deliveries", sql: webhooksSchema),
    Migration(version: 4, name: "keys, templates, opt-outs, media, idempotency", sql: apiSchema),
    Migration(version: 5, name: "conversations move in place", sql: activitySchema),
    Migration(version: 6, name: "media fetching", sql: mediaSchema),
    Migration(version: 7, name: "template sync", sql: templateSyncSchema),
    Migration(version: 8, name: "opt-outs and held messages", sql: holdingSchema),
    Migration(version: 9, name: "deposited content, aliases", sql: depositSchema),
    Migration(version: 10, name: "expiry, quiet hours, prices, polls, reconciliation", sql: timeSchema),
    Migration(version: 12, name: "files that are kept for a time", sql: mediaRetentionSchema),
    Migration(version: 13, name: "lists and searches", sql: listSchema),
    Migration(version: 14, name: "bulks", sql: bulkSchema),
    Migration(version: 16, name: "idempotency keys by lease", sql: idempotencySchema),
    Migration(version: 18, name: "deliveries by one node at a time, replays", sql: deliverySchema),
    Migration(version: 21, name: "failures counted apart", sql: attemptSchema),
    Migration(version: 22, name: "facts by rank, late prices, what the provider keeps", sql: factSchema),
    Migration(version: 23, name: "the use of deposited content", sql: depositUseSchema),
    Migration(version: 24, name: "the health of channels", sql: channelHealthSchema),
    Migration(version: 25, name: "contacts by any part, in any combination", sql: contactSearchSchema),
    Migration(version: 26, name: "lists of one channel", sql: channelListSchema),
    Migration(version: 27, name: "where endpoints begin", sql: endpointSchema),
    Migration(version: 28, name: "the origin of the log's epoch", sql: epochSchema),
    Migration(version: 29, name: "webhooks that are being removed", sql: removalSchema),
    Migration(version: 30, name: "the ids of a bulk's messages", sql: bulkIdentifierSchema),
    Migration(version: 32, name: "the addresses of a contact beside its texts", sql: contactKindSchema),
    Migration(version: 33, name: "the addresses of contacts that are there", sql: knownAddresses, commitsItself: true),
    Migration(version: 34, name: "texts of mixed alphabets", sql: mixedTextSchema),
    Migration(version: 35, name: "replaced secrets, where disabled webhooks stand", sql: secretSchema),
  ]
}
