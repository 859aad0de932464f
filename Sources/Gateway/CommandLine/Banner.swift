// What a person sees when the gateway is up: where it is, and the first two things to try.

/// The start-up text.
struct Banner {
  let gateway: RunningGateway

  init(_ gateway: RunningGateway) { self.gateway = gateway }

  var text: String {
    let local = "http://localhost:\(gateway.port)"
    var lines = ["", "Fractal \(GatewayVersion.current) is up.", "", "  API        \(local)/api"]
    if gateway.publicURL != local { lines.append("  public URL \(gateway.publicURL)") }
    lines.append("  WebSocket  ws://localhost:\(gateway.port)/ws")
    if let file = gateway.firstKeyFile {
      lines.append("  API key    in \(file)")
    } else {
      lines.append("  API key    make one: fractal keys create --name me --scopes read,send,manage")
    }
    let key = gateway.firstKeyFile.map { "$(cat \($0))" } ?? "$KEY"
    if let sandbox = gateway.sandboxURL {
      lines += [
        "  sandbox    \(sandbox)/sandbox/",
        "",
        "There is no Twilio account in the environment, so messages go to the built-in sandbox, not to real phones.",
        "",
        "Send a message:",
        "  \(Self.sendLine(local, key))",
        "",
        "Make the sandbox phone text back:",
        "  curl \(sandbox)/sandbox/inbound -d from=+14155550123 --data-urlencode 'body=Hello from a phone'",
      ]
    } else {
      lines += ["", "Send a message:", "  \(Self.sendLine(local, key))"]
    }
    return lines.joined(separator: "\n") + "\n\n"
  }

  private static func sendLine(_ base: String, _ key: String) -> String {
    """
    curl \(base)/api/messages -H "Authorization: Bearer \(key)" -H 'Content-Type: application/json' \
    -d '{"channel":"sms","to":"+14155550123","body":"Hello"}'
    """
  }
}
