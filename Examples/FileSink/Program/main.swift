// The program: Fractal with a sink that it does not come with.

import ChannelSMS
import FileSink
import Gateway
import Sinks

await GatewayMain.run(
  channels: .init(SMSChannel.self, MMSChannel.self),
  sinks: .init(LogSink.self, WebSocketSink.self, WebhookSink.self, FileSink.self))
