// The program: Fractal with the channels and sinks that come with it.

import ChannelMessenger
import ChannelRCS
import ChannelSMS
import ChannelWhatsApp
import Gateway
import Sinks

await GatewayMain.run(
  channels: .init(SMSChannel.self, MMSChannel.self, WhatsAppChannel.self, RCSChannel.self, MessengerChannel.self),
  sinks: .init(LogSink.self, WebSocketSink.self, WebhookSink.self))
