// The program: Fractal with the channels and sinks that come with it.

import ChannelSMS
import ChannelWhatsApp
import Gateway
import Sinks

await GatewayMain.run(
  channels: .init(SMSChannel.self, MMSChannel.self, WhatsAppChannel.self),
  sinks: .init(LogSink.self, WebSocketSink.self, WebhookSink.self))
