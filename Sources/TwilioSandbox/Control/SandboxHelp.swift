// The page at `/sandbox`: what can be done, as lines to paste.

/// Words for whoever opens the sandbox in a browser or with curl.
enum SandboxHelp {
  static func text(baseURL: String, accounts: [SandboxAccount]) -> String {
    let account = accounts.first ?? SandboxAccount()
    return """
      Twilio sandbox: the Messages API, signed webhooks and status callbacks, on this machine only.

      Account SID  \(account.sid)
      Auth token   \(account.authToken)
      Senders      \(account.senders.joined(separator: ", "))
      Incoming     \(account.webhooks.incoming ?? "not set")
      Status       \(account.webhooks.status ?? "only where a message names a StatusCallback")

      Send, as any Twilio client does (base URL \(baseURL)):
        curl \(baseURL)/2010-04-01/Accounts/\(account.sid)/Messages.json \\
          -u \(account.sid):\(account.authToken) \\
          --data-urlencode To=+14155550101 --data-urlencode From=\(account.senders.first ?? "") -d Body=Hello

      A phone texts in (by WhatsApp: from=whatsapp:+447700900123; a picture: -d media=image/png):
        curl \(baseURL)/sandbox/inbound -d from=+14155550101 -d body=Hi
        curl \(baseURL)/sandbox/inbound -d '{"from":"whatsapp:+447700900123","body":"Yes","extra":{"ButtonPayload":"yes"}}'
        curl \(baseURL)/sandbox/inbound -d redeliver=SM…

      A person touches a button of a message that was sent, or picks a row of its list, by its id or its words:
        curl \(baseURL)/sandbox/tap -d message=MM… -d choice=Yes

      Where webhooks go:
        curl \(baseURL)/sandbox/webhook -d incoming=http://127.0.0.1:3000/… -d status=http://127.0.0.1:3000/…

      What happened, newest first:
        curl \(baseURL)/sandbox/messages?limit=20

      What goes wrong (shares of the callbacks from 0 to 1, the next sends; all of it off: -d '{}'):
        curl \(baseURL)/sandbox/chaos -d '{"dropCallbacks":0.1,"duplicateCallbacks":0.5,"delayCallbacks":0.5,"callbackDelayMilliseconds":500}'
        curl \(baseURL)/sandbox/chaos -d '{"reorderCallbacks":0.5}'
        curl \(baseURL)/sandbox/chaos -d '{"changeFacts":0.5}'
        curl \(baseURL)/sandbox/chaos -d '{"failSends":{"count":3,"status":429}}'
        curl \(baseURL)/sandbox/chaos -d '{"failSends":{"count":1,"status":500,"accepted":true}}'
        curl \(baseURL)/sandbox/chaos -d '{"hangSends":{"count":1,"milliseconds":20000}}'
        curl \(baseURL)/sandbox/chaos -d '{"failMedia":{"count":2,"status":404},"mediaLifetimeMilliseconds":0}'
        curl \(baseURL)/sandbox/chaos -d '{"stallMedia":{"count":1,"bytes":1000,"milliseconds":20000}}'

      The next calls of the Content API fail:
        curl \(baseURL)/sandbox/chaos -d '{"failContent":{"count":1,"status":500}}'

      Templates there are (ContentSid):
        curl \(baseURL)/v1/ContentAndApprovals -u \(account.sid):\(account.authToken)

      Begin again:
        curl -X POST \(baseURL)/sandbox/reset

      Any error of Twilio's: send to +150000NNNNN (also behind whatsapp:, rcs:), or the text #NNNNN:
        +15000021610, #21610: refused with 21610   +15000030003: undelivered with 30003   whatsapp:+15000063016: failed

      Opting out: a phone texts STOP, and sends to it are refused with 21610 until it texts START; with
      -d messagingServiceSid=MG… as Advanced Opt-Out does it: OptOutType in the webhook, for all numbers of the channel.

      Numbers that make something happen, To:
        +15005550001 21211   +15005550002 21612   +15005550003 21408   +15005550004 21610   +15005550009 21614
        +150055501NN: undelivered or failed with 300NN (01 03 05 06 07 08 34), behind whatsapp: with 630NN (03 16 18 24 49)
        +15005550190 stays queued   +15005550191 stays sent   +15005550192 delivered, never read
      From:
        +15005550001 21212   +15005550007 21606   +15005550008 21611

      """
  }
}
