// The program: Fractal with a channel that it does not come with.

import ChannelPostbox
import ChannelSMS
import Gateway
import Sinks

await GatewayMain.run(
  channels: .init(PostboxChannel.self, SMSChannel.self),
  sinks: .init(LogSink.self, WebSocketSink.self, WebhookSink.self))
