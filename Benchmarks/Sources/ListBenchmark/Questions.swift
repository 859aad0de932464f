// What is asked: each list alone, with each filter and many of them together, with rare and frequent words, and pages deep
// inside. Many are combinations that are meant to hurt.

enum Questions {
  /// Names in braces are ``Landmarks``; a number in braces is the cursor behind so many rows of the same list.
  static let all: [String] = messages + contacts + conversations + others

  private static let messages: [String] =
    [
      "", "limit=200", "cursor={500000}", "conversation={thread}", "contact={person}", "contact={busy}",
      "contact={busy}&direction=outbound", "contact={busy}&channel=rcs", "contact={busy}&status=failed",
      "conversation={busythread}&status=canceled", "conversation={busythread}&channel=rcs",
      "conversation={busythread}&direction=outbound", "conversation={busythread}&until={early}", "providerSid={sid}",
      "since={past}", "until={past}", "until={early}", "since={past}&until={later}", "status=failed&until={past}",
      "since={early}&status=canceled", "channel=rcs&until={early}", "channel=whatsapp&until={early}",
      "channel=sms", "channel=whatsapp", "channel=rcs", "direction=inbound", "direction=outbound", "status=received",
      "status=delivered", "status=read", "status=failed", "status=undelivered", "status=canceled", "status=sent",
      "status=queued,sending,accepted,sent", "status=failed,undelivered,received", "direction=inbound&status=delivered",
      "status=failed&channel=whatsapp", "channel=rcs&status=delivered", "channel=whatsapp&status=canceled",
      "channel=sms&status=canceled",
    ].map { "/api/messages?\($0)" }
    + [
      "order", "quokka", "zebra", "needle", "nowhere", "campaign", "need", "o", "q", "z", "x", "order&channel=rcs",
      "order&status=canceled", "order&until={early}", "campaign&status=canceled", "campaign&channel=whatsapp",
      "hello&direction=outbound", "hello&direction=outbound&cursor={20000}", "quokka&limit=200", "quokka&cursor={5000}",
      "quokka&since={early}&status=failed", "zebra&channel=whatsapp", "needle&status=failed", "needle&until={early}",
      "order+delivery+friday", "order+delivery+friday&cursor={2000}", "order+delivery+friday+closed+refund",
      "order%2Bdelivery%2Bfriday", "order+hello&status=queued", "hello+nowhere", "nowhere+hello", "needle+hello",
      "summer+campaign", "zebra&contact={busy}", "order+delivery+friday&contact={busy}",
      "order%2Bdelivery%2Bfriday&contact={busy}", "nowhere&contact={busy}", "nowhere&conversation={busythread}",
    ].map { "/api/messages?search=\($0)" }

  private static let contacts: [String] =
    [
      "", "limit=200", "cursor={50000}", "channel=sms", "channel=messenger", "channel=messenger&cursor={5}",
      "channel=rcs", "label=late", "label=vip", "label=none", "label=vip&channel=messenger",
      "label=late&channel=messenger", "label=late&channel=rcs", "label=late&channel=sms",
    ].map { "/api/contacts?\($0)" }
    + [
      "{address}", "%2B141520", "14152000002", "1415", "0000", "33", "3-4", "_", "a", "ad", "ada", "abc", "zq",
      "nobody",
      "gold", "C4000", "zzz+1415", "ada&limit=200", "zq&label=vip", "zq&channel=sms", "ada&channel=messenger",
      "ada&label=vip", "ada&label=late", "ada&label=late&channel=whatsapp", "nobody&label=late", "gold&label=vip",
      "gold&label=late&channel=messenger", "1415&channel=messenger", "1415&label=none",
    ].map { "/api/contacts?search=\($0)" }

  private static let conversations: [String] =
    [
      "", "limit=200", "cursor={50000}", "status=open", "status=archived", "unread=true", "unread=false&status=open",
      "unread=true&status=archived", "channel=sms", "channel=whatsapp", "channel=rcs", "channel=messenger",
      "channel=whatsapp&unread=true", "channel=rcs&unread=true", "status=open&unread=true&channel=whatsapp",
    ].map { "/api/conversations?\($0)" }
    + [
      "{address}", "14152000002", "1415", "a", "ada", "zq", "gold", "nobody", "ada&limit=200", "ada&channel=rcs",
      "ada&channel=whatsapp", "ada&status=open&unread=true", "ada&unread=true&status=open&channel=rcs",
      "zq&unread=true", "1415&channel=rcs", "1415&unread=true&status=archived",
    ].map { "/api/conversations?search=\($0)" }

  private static let others: [String] =
    [
      "", "limit=200", "state=pending", "state=held", "state=delivered", "state=dead", "state=dead,pending",
      "state=dead,held", "state=pending,held", "state=delivered&cursor={20000}",
    ].map { "/api/webhooks/{endpoint}/deliveries?\($0)" }
    + [
      "/api/conversations/{thread}", "/api/conversations/{busythread}", "/api/contacts/{person}", "/api/opt-outs",
      "/api/opt-outs?contact={refuser}", "/api/messages/bulk/{bulk}", "/api/templates", "/api/templates?search=zzz",
      "/api/webhooks", "/api/keys", "/api/events?after={event}&limit=200",
    ]
}
